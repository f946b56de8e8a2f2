#include "net/tcp_stream.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "net/pipe.h"

namespace culvert {

TcpStream::TcpStream(Loop& loop, int fd, State state)
    : loop_(loop), fd_(fd), writable_(state == State::connected) {
  // Both directions, edge-triggered, once and for all.
  watch_error_ = loop_.watch(fd_, *this, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

TcpStream::~TcpStream() {
  loop_.forget(*this);
  if (reset_on_close_) {
    const linger now{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  close(fd_);
}

void TcpStream::on_poll(std::uint32_t events) {
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readable_ = true;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) writable_ = true;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) hung_up_ = true;
  if (events & EPOLLERR) broken_ = true;
  if (events_ != nullptr) events_->on_ready(*this);
}

Io TcpStream::connect_result() {
  if (!writable_) return Io::would_block();
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  return error == 0 ? Io::ok(0) : Io::failed(error);
}

Io TcpStream::try_read(std::span<char> buffer) {
  if (unread_) {
    const std::size_t count = std::min(buffer.size(), unread_->size());
    std::memcpy(buffer.data(), unread_->data(), count);
    if (count == unread_->size()) {
      unread_.reset();
    } else {
      unread_->erase(0, count);
    }
    return Io::ok(count);
  }
  if (!readable_) return Io::would_block();
  const ssize_t count = recv(fd_, buffer.data(), buffer.size(), 0);
  if (count > 0) {
    // A short read means drained, and the next byte brings an edge (epoll(7)) - unless the end
    // came in with these bytes: its edge is behind us.
    if (static_cast<std::size_t>(count) < buffer.size() && !hung_up_) readable_ = false;
    return Io::ok(static_cast<std::size_t>(count));
  }
  if (count == 0) return Io::eof();
  if (errno != EAGAIN) return Io::failed(errno);
  readable_ = false;
  return Io::would_block();
}

Io TcpStream::try_write(std::span<const char> bytes) {
  if (!writable_) return Io::would_block();
  const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) return Io::ok(static_cast<std::size_t>(count));
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

void TcpStream::unread(std::string bytes) {
  if (bytes.empty()) return;
  if (unread_) bytes += *unread_;
  unread_ = std::make_unique<std::string>(std::move(bytes));
}

Io TcpStream::splice_to(Pipe& pipe, std::size_t most) {
  if (!readable_) return Io::would_block();
  const ssize_t count =
      splice(fd_, nullptr, pipe.write_end, nullptr, most, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  if (count > 0) {
    pipe.held += static_cast<std::size_t>(count);
    return Io::ok(static_cast<std::size_t>(count));
  }
  if (count == 0) return Io::eof();
  if (errno != EAGAIN) return Io::failed(errno);
  readable_ = false;
  return Io::would_block();
}

Io TcpStream::splice_from(Pipe& pipe) {
  if (!writable_) return Io::would_block();
  const ssize_t count =
      splice(pipe.read_end, nullptr, fd_, nullptr, pipe.held, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  if (count >= 0) {
    pipe.held -= static_cast<std::size_t>(count);
    return Io::ok(static_cast<std::size_t>(count));
  }
  if (errno != EAGAIN) return Io::failed(errno);
  writable_ = false;
  return Io::would_block();
}

}  // namespace culvert
