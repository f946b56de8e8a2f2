#include "support/sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <system_error>

#include "net/loop.h"

namespace culvert::test {
namespace {

// splice() has no MSG_NOSIGNAL; the program ignores the signal too.
[[maybe_unused]] const auto kIgnored = std::signal(SIGPIPE, SIG_IGN);

int checked(int result) {
  if (result < 0) throw std::system_error(errno, std::generic_category());
  return result;
}

sockaddr_in socket_address(const std::string& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  address.sin_port = htons(port);
  return address;
}

Fd listen_on(const std::string& host, std::uint16_t& port, int backlog) {
  Fd fd(checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  sockaddr_in address = socket_address(host, port);
  checked(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
  checked(listen(fd.get(), backlog));
  socklen_t size = sizeof address;
  checked(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size));
  port = ntohs(address.sin_port);
  return fd;
}

Fd connect_to(const std::string& host, std::uint16_t port) {
  Fd fd(checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  const sockaddr_in address = socket_address(host, port);
  checked(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
  return fd;
}

constexpr const char* kLoopback = "127.0.0.1";

void make_nonblocking(int fd) { checked(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK)); }

void set_linger(const Fd& fd) {
  const linger now{1, 0};
  checked(setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now));
}

}  // namespace

void Fd::reset() {
  if (fd_ >= 0) close(release());
}

SocketPair tcp_pair() {
  std::uint16_t port = 0;
  const Fd listening = listen_on_loopback(port);
  SocketPair pair;
  pair.far = connect_to_loopback(port);
  pair.near = Fd(checked(accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)));
  return pair;
}

SocketPair unix_pair() {
  int ends[2];
  checked(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
  make_nonblocking(ends[0]);
  return {Fd(ends[0]), Fd(ends[1])};
}

Fd listen_on_loopback(std::uint16_t& port, int backlog) {
  return listen_on(kLoopback, port, backlog);
}

Fd connect_to_loopback(std::uint16_t port) { return connect_to(kLoopback, port); }

std::uint16_t closed_port() {
  std::uint16_t port = 0;
  listen_on_loopback(port);
  return port;
}

SilentPort::SilentPort(const std::string& address, std::uint16_t port)
    : port_(port), listening_(listen_on(address, port_, 0)), first_(connect_to(address, port_)) {}

void send_all(const Fd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0) throw std::system_error(errno, std::generic_category(), "send");
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void send_fin(const Fd& fd) { checked(shutdown(fd.get(), SHUT_WR)); }

void send_reset(Fd& fd) {
  set_linger(fd);
  fd.reset();
}

Received receive_now(const Fd& fd) {
  Received out;
  char buffer[16 * 1024];
  for (;;) {
    const ssize_t count = recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (count > 0) {
      out.bytes.append(buffer, static_cast<std::size_t>(count));
      continue;
    }
    out.ended = count == 0;
    if (count < 0 && errno != EAGAIN) out.error = errno;
    return out;
  }
}

int socket_option(int fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  checked(getsockopt(fd, level, name, &value, &size));
  return value;
}

std::size_t open_files() {
  // With its first loop libuv opens a pipe that it keeps for good.
  [[maybe_unused]] static const bool opened = [] {
    const Loop first;
    return true;
  }();
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count - 1;  // that of the directory itself
}

FileLimit::FileLimit() {
  checked(getrlimit(RLIMIT_NOFILE, &before_));
  // The lowest free number is the first that is not to be had any more; those above it are gone
  // too.
  const Fd free(checked(eventfd(0, EFD_CLOEXEC)));
  rlimit limit = before_;
  limit.rlim_cur = static_cast<rlim_t>(free.get());
  checked(setrlimit(RLIMIT_NOFILE, &limit));
}

FileLimit::~FileLimit() { setrlimit(RLIMIT_NOFILE, &before_); }

TempDir::TempDir() {
  directory_ = (std::filesystem::temp_directory_path() / "culvert_test_XXXXXX").string();
  if (mkdtemp(directory_.data()) == nullptr) checked(-1);
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

}  // namespace culvert::test
