#include "check/own_listener.h"

#include <string_view>

namespace culvert {
namespace {

HostPort usual_address() { return HostPort::from("127.0.0.1", 3128).value(); }

}  // namespace

std::optional<HostPort> listener_address(const Config& config) {
  bool elsewhere = false;
  for (const ListenConfig& listen : config.listen) {
    if (listen.kind == ListenConfig::Kind::unix_socket) elsewhere = true;
    if (listen.kind != ListenConfig::Kind::http || listen.address.port == 0) continue;
    if (!listen.address.ip || !listen.address.ip->is_unspecified()) return listen.address;
    return HostPort::from("127.0.0.1", listen.address.port).value();
  }
  if (elsewhere) return std::nullopt;
  return usual_address();
}

HostPort client_address(const Config& config, const std::string& running_url) {
  HostPort own = listener_address(config).value_or(usual_address());
  if (!(own == usual_address())) return own;
  constexpr std::string_view kBegin = "http://";
  if (!running_url.starts_with(kBegin)) return own;
  const auto running = HostPort::parse(running_url.substr(kBegin.size()));
  return running ? *running : own;
}

}  // namespace culvert
