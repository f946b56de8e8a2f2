#include "config/tunnel_port.h"

#include <cstddef>

#include "base/text.h"

namespace culvert {
namespace {

/// Where the next mark is, from `from` on; npos: there is none.
std::size_t find_mark(std::string_view command, std::size_t from) {
  for (std::size_t at = from; (at = command.find(kPortMark, at)) != std::string_view::npos; ++at) {
    if (at == 0 || command[at - 1] != '$') return at;
  }
  return std::string_view::npos;
}

}  // namespace

bool has_port_mark(std::string_view command) {
  return find_mark(command, 0) != std::string_view::npos;
}

std::string with_port(std::string_view command, std::uint16_t port) {
  std::string out;
  std::size_t from = 0;
  for (std::size_t at = 0; (at = find_mark(command, from)) != std::string_view::npos;) {
    out += command.substr(from, at - from);
    append_number(out, port);
    from = at + kPortMark.size();
  }
  out += command.substr(from);
  return out;
}

void set_tunnel_port(UpstreamConfig& upstream, std::uint16_t port) {
  upstream.address.port = port;
  upstream.label = concat({scheme_of(upstream.kind), "://", upstream.address.to_string()});
}

}  // namespace culvert
