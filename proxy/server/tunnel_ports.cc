#include "server/tunnel_ports.h"

#include "config/tunnel_port.h"
#include "net/free_port.h"

namespace culvert {

bool TunnelPorts::give_to(Config& config) {
  for (UpstreamConfig& upstream : config.upstreams) {
    if (upstream.tunnel == 0) continue;
    if (ports_.size() < upstream.tunnel) ports_.resize(upstream.tunnel);
    std::uint16_t& port = ports_[upstream.tunnel - 1];
    if (port == 0) port = find_free_port(ports_);
    if (port == 0) return false;
    set_tunnel_port(upstream, port);
  }
  return true;
}

}  // namespace culvert
