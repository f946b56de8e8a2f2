#include "net/peer_history.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace culvert {
namespace {

/// All 0 if the system does not tell.
tcp_info info_of(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  return info;
}

}  // namespace

std::chrono::milliseconds time_since_connected(int fd) {
  // Counts from when the connection was established.
  return std::chrono::milliseconds(info_of(fd).tcpi_last_data_sent);
}

std::chrono::milliseconds round_trip(int fd) {
  return std::chrono::ceil<std::chrono::milliseconds>(
      std::chrono::microseconds(info_of(fd).tcpi_rtt));
}

bool has_unread_bytes(int fd) {
  int bytes = 0;
  return ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

}  // namespace culvert
