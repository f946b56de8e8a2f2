#include "net/free_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <limits>
#include <string>

#include "base/file_text.h"
#include "base/random_number.h"
#include "base/text.h"

namespace culvert {
namespace {

constexpr unsigned kLeastPort = 1024;  // others are root's
constexpr unsigned kMostPort = std::numeric_limits<std::uint16_t>::max();
constexpr unsigned kEnough = 1000;
constexpr unsigned kSpan = 10'000;

/// Connections at the port that are left of a listener which has ended.
enum class Leftovers : bool { matter, are_fine };

/// 0 or errno.
int try_to_bind(std::uint16_t port, Leftovers leftovers) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const int reuse = leftovers == Leftovers::are_fine ? 1 : 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int failed =
      bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
  close(fd);
  return failed;
}

}  // namespace

PortRange range_of_free_ports(std::string_view local_port_range) {
  const std::size_t gap = local_port_range.find_first_of(" \t");
  const auto number = [](std::string_view text) {
    return parse_number<std::uint16_t>(trim_space(text)).value_or(0);
  };
  const unsigned low = number(local_port_range.substr(0, gap));
  const unsigned high = gap == std::string_view::npos ? 0 : number(local_port_range.substr(gap));
  unsigned first = kLeastPort;
  unsigned last = kMostPort;
  if (low >= kLeastPort + kEnough) {
    last = low - 1;
    first = std::max(kLeastPort, low - std::min(low, kSpan));
  } else if (high > 0 && kMostPort - high >= kEnough) {
    first = high + 1;
  }
  return {static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)};
}

std::uint16_t find_free_port(std::span<const std::uint16_t> except) {
  const PortRange range = range_of_free_ports(file_text("/proc/sys/net/ipv4/ip_local_port_range"));
  const unsigned count = range.last - range.first + 1U;
  // Two that look at the same time are unlikely to see the same one first.
  const unsigned begin = random_number() % count;
  for (unsigned i = 0; i < count; ++i) {
    const auto port = static_cast<std::uint16_t>(range.first + (begin + i) % count);
    if (std::find(except.begin(), except.end(), port) != except.end()) continue;
    if (try_to_bind(port, Leftovers::matter) == 0) return port;
  }
  return 0;
}

bool is_listened_at(std::uint16_t port) {
  return try_to_bind(port, Leftovers::are_fine) == EADDRINUSE;
}

}  // namespace culvert
