#include "session/upstream_connection.h"

#include "base/text.h"
#include "codec/clause.h"
#include "dial/upstream_protocol.h"

namespace culvert {

bool UpstreamConnection::leads_to(const HostPort& wanted, bool upgrade) const {
  if (!stream) return false;
  return to_proxy ? !upgrade : target == wanted;
}

std::string UpstreamConnection::name_for(const HostPort& wanted) const {
  std::string shown = shown_target(wanted);
  if (!protocol_of(upstream->config).has_proxy) return "target " + shown;
  std::string proxy = shown_upstream(upstream->config.label);
  // The cause follows, and some clients cut the status line behind 110 bytes.
  if (shown.size() + proxy.size() > 56) {
    proxy = shorten_middle(proxy, 32);
    shown = shorten_middle(shown, 24);
  }
  if (to_proxy) return "upstream " + proxy + " (for " + shown + ")";
  return "target " + shown + " (through " + proxy + ")";
}

}  // namespace culvert
