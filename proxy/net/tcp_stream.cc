#include "net/tcp_stream.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/pipe.h"
#include "net/socket_address.h"

namespace culvert {
namespace {

constexpr unsigned kMostSilenceMs = 60'000;
constexpr std::uint32_t kEventsWhileMuted = EPOLLOUT | EPOLLRDHUP | EPOLLET;
// The kernel reports bytes as both of these.
constexpr std::uint32_t kAllEvents = kEventsWhileMuted | EPOLLIN | EPOLLPRI;

/// The kernel's limit also applies to a peer whose window is closed.
void set_user_timeout(int fd, unsigned time_ms) {
  static_cast<void>(setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &time_ms, sizeof time_ms));
}

}  // namespace

TcpStream::TcpStream(Loop& loop, int fd, State state)
    : writable_(state == State::connected), fd_(fd), loop_(&loop) {
  watch_error_ = attach(loop);
}

int TcpStream::attach(Loop& loop) {
  loop_ = &loop;
  unsure_ &= static_cast<std::uint8_t>(~kMuted);
  // Both directions, edge-triggered, registered once.
  return loop.watch(fd_, *this, kAllEvents);
}

void TcpStream::detach() {
  loop_->unwatch(fd_, *this);
  loop_ = nullptr;
}

TcpStream::~TcpStream() {
  if (loop_ != nullptr && Loop::expects_children()) {
    loop_->unwatch(fd_, *this);
  } else if (loop_ != nullptr) {
    loop_->unwatch_closing(*this);
  }
  if (reset_on_close_) {
    const linger now{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  close(fd_);
}

void TcpStream::on_poll(std::uint32_t events) {
  if (events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readable_ = true;
  if (events & EPOLLPRI) unsure_ |= kUrgent;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) writable_ = true;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) unsure_ |= kHungUp;
  if (events & EPOLLERR) broken_ = true;
  if (events_ != nullptr) events_->on_ready(*this);
}

Io TcpStream::connect_result(std::uint16_t port) {
  if (!writable_) return Io::would_block();
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error == 0 && connected_to_itself(port)) error = ECONNREFUSED;
  return error == 0 ? Io::ok(0) : Io::failed(error);
}

/// If nothing listens on that port of this host, the kernel may choose it as our own; then the two
/// ends of the connection are one (RFC 9293 section 3.5, simultaneous open).
bool TcpStream::connected_to_itself(std::uint16_t port) const {
  SocketAddress own;
  own.size = sizeof own.storage;
  if (getsockname(fd_, reinterpret_cast<sockaddr*>(&own.storage), &own.size) != 0) return false;
  const auto address = host_port_of(own.storage);
  if (!address || address->port != port) return false;
  SocketAddress peer;
  peer.size = sizeof peer.storage;
  return getpeername(fd_, reinterpret_cast<sockaddr*>(&peer.storage), &peer.size) == 0 &&
         own.size == peer.size && std::memcmp(&own.storage, &peer.storage, own.size) == 0;
}

/// Out of the way of what moves bytes.
[[gnu::cold]] Io TcpStream::interrupted() {
  resume();
  return Io::would_block();
}

void TcpStream::mute() {
  // Otherwise nobody would read before an edge.
  if (!readable_ || loop_ == nullptr || (unsure_ & kMuted) != 0) return;
  unsure_ |= kMuted;
  loop_->rewatch(fd_, *this, kEventsWhileMuted);
}

/// What has come since the read is an edge of the new watch.  Cold for the sake of small messages.
[[gnu::cold]] Io TcpStream::drained() {
  readable_ = false;
  if ((unsure_ & kMuted) != 0 && loop_ != nullptr) {
    unsure_ &= static_cast<std::uint8_t>(~kMuted);
    loop_->rewatch(fd_, *this, kAllEvents);
  }
  return Io::would_block();
}

Io TcpStream::try_read(std::span<char> buffer) {
  if (!unread_.empty()) return Io::ok(unread_.take(buffer));
  // Without a loop no edge is reported.
  if (!readable_ && loop_ != nullptr) return Io::would_block();
  const ssize_t count = recv(fd_, buffer.data(), buffer.size(), 0);
  if (count > 0) {
    // A short read means drained, and the next byte brings an edge (epoll(7)) - unless the end came
    // in with these bytes, or urgent data: that edge was already reported.
    const bool is_short = static_cast<std::size_t>(count) < buffer.size();
    if (is_short && unsure_ == 0) readable_ = false;
    return Io::ok(static_cast<std::size_t>(count));
  }
  if (count == 0) return Io::eof();
  if (errno == EINTR) return interrupted();
  if (errno != EAGAIN) return Io::failed(errno);
  return drained();
}

Io TcpStream::try_write(std::span<const char> bytes) {
  if (!writable_) return Io::would_block();
  const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) return Io::ok(static_cast<std::size_t>(count));
  if (errno == EINTR) return interrupted();
  if (errno != EAGAIN) return Io::failed(errno);
  writable_ = false;
  return Io::would_block();
}

Io TcpStream::shutdown_write() {
  if (!write_closed_) {
    write_closed_ = true;
    if (shutdown(fd_, SHUT_WR) != 0) return Io::failed(errno);
  }
  return Io::ok(0);
}

std::size_t TcpStream::unsent() const {
  int count = 0;
  return ioctl(fd_, SIOCOUTQ, &count) == 0 && count > 0 ? static_cast<std::size_t>(count) : 0;
}

void TcpStream::limit_silence() {
  silence_limited_ = true;
  set_user_timeout(fd_, kMostSilenceMs);
}

void TcpStream::check_peer(bool blocked) {
  if (!silence_limited_) return;
  bool suspended = false;
  if (blocked) {
    tcp_info info{};
    socklen_t size = sizeof info;
    // One probe, or one retransmission, may be unanswered yet.
    suspended = getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_probes < 2 &&
                info.tcpi_retransmits < 2;
  }
  if (suspended == limit_suspended_) return;
  limit_suspended_ = suspended;
  set_user_timeout(fd_, suspended ? 0 : kMostSilenceMs);
}

Io TcpStream::splice_to(Pipe& pipe, std::size_t most) {
  if (!readable_) return Io::would_block();
  const ssize_t count =
      splice(fd_, nullptr, pipe.write_end, nullptr, most, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  if (count > 0) {
    pipe.held += static_cast<std::size_t>(count);
    return Io::ok(static_cast<std::size_t>(count));
  }
  if (count == 0) {
    if (at_end()) return Io::eof();
    // Urgent data: splice() stops before it, and after it there may be more.
    unsure_ |= kUrgent;
    return Io::ok(0);
  }
  if (errno == EINTR) return interrupted();
  if (errno != EAGAIN) return Io::failed(errno);
  return drained();
}

bool TcpStream::at_end() const {
  char byte = 0;
  return recv(fd_, &byte, 1, MSG_PEEK) <= 0;
}

Io TcpStream::splice_from(Pipe& pipe) {
  if (!writable_) return Io::would_block();
  const ssize_t count =
      splice(pipe.read_end, nullptr, fd_, nullptr, pipe.held, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  if (count >= 0) {
    pipe.held -= static_cast<std::size_t>(count);
    return Io::ok(static_cast<std::size_t>(count));
  }
  if (errno == EINTR) return interrupted();
  if (errno != EAGAIN) return Io::failed(errno);
  writable_ = false;
  return Io::would_block();
}

}  // namespace culvert
