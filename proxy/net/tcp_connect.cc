#include "net/tcp_connect.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "net/socket_address.h"

namespace culvert {
namespace {

constexpr int kKeepaliveSeconds = 30;
constexpr int kKeepaliveProbes = 4;
// Of the pauses between two retransmissions, which otherwise grow to two minutes: a line that comes
// back is used within that time.  Linux 6.15, and newer than the system's headers.
constexpr int kTcpRtoMaxMs = 44;
constexpr int kLongestRtoMs = 3'000;
// Another worker may be faster with the descriptor that one makes free.
constexpr int kTriesForRoom = 4;

template <typename T>
void set_option(int fd, int level, int name, T value) {
  // Tuning: a socket without it works all the same.
  static_cast<void>(setsockopt(fd, level, name, &value, sizeof value));
}

/// -1 and errno if there is none, and nothing to make room for it.
int open_socket(Loop& loop, int family) {
  const auto open = [&loop, family] {
    if (!loop.regain_spare()) {
      errno = EMFILE;
      return -1;
    }
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  };
  int fd = open();
  for (int tries = 0; fd < 0 && tries < kTriesForRoom; ++tries) {
    const int error = errno;
    if (!is_lack_of_descriptors(error) || loop.make_room() != Loop::Room::made) {
      errno = error;
      break;
    }
    fd = open();
  }
  return fd;
}

}  // namespace

void set_tunnel_options(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepaliveSeconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, kKeepaliveSeconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, kKeepaliveProbes);
}

std::unique_ptr<TcpStream> begin_connect(Loop& loop, const IpAddress& address, std::uint16_t port,
                                         int& error) {
  const SocketAddress peer = SocketAddress::of(address, port);
  const int fd = open_socket(loop, peer.storage.ss_family);
  if (fd < 0) {
    error = errno;
    return nullptr;
  }
  set_tunnel_options(fd);
  set_option(fd, IPPROTO_TCP, kTcpRtoMaxMs, kLongestRtoMs);
  TcpStream::State state = TcpStream::State::connected;
  if (connect(fd, peer.get(), peer.size) != 0) {
    if (errno != EINPROGRESS) {
      error = errno;
      close(fd);
      return nullptr;
    }
    state = TcpStream::State::connecting;
  }
  auto stream = std::make_unique<TcpStream>(loop, fd, state);
  stream->limit_silence();
  error = stream->watch_error();
  return error == 0 ? std::move(stream) : nullptr;
}

}  // namespace culvert
