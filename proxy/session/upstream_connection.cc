#include "session/upstream_connection.h"

namespace culvert {

bool UpstreamConnection::leads_to(const HostPort& wanted, bool upgrade) const {
  if (!stream) return false;
  return to_proxy ? !upgrade : target == wanted;
}

}  // namespace culvert
