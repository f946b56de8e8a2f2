// Real sockets, and the process's descriptors.
#pragma once

#include <sys/resource.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace culvert::test {

/// A descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { reset(); }

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset();

 private:
  int fd_ = -1;
};

/// Two ends of a connection: `near`, non-blocking, for the code under test, `far` for the test.
struct SocketPair {
  Fd near;
  Fd far;
};
SocketPair tcp_pair();
SocketPair unix_pair();

/// A port of 127.0.0.1 on which nobody listens.
std::uint16_t closed_port();
/// A listening socket on 127.0.0.1.
Fd listen_on_loopback(std::uint16_t& port, int backlog = 16);
/// A blocking connection to it.
Fd connect_to_loopback(std::uint16_t port);
/// A port of a loopback address that neither accepts nor refuses.
class SilentPort {
 public:
  explicit SilentPort(const std::string& address = "127.0.0.1", std::uint16_t port = 0);
  std::uint16_t number() const { return port_; }

 private:
  std::uint16_t port_ = 0;
  Fd listening_;
  Fd first_;  // fills the queue
};

/// Writes all of it, waiting if need be.
void send_all(const Fd& fd, std::string_view bytes);
void send_fin(const Fd& fd);
/// Closes with a RST.
void send_reset(Fd& fd);
/// Whatever is there now; `ended` is set by a FIN, `error` by an errno.
struct Received {
  std::string bytes;
  bool ended = false;
  int error = 0;
};
Received receive_now(const Fd& fd);
int socket_option(int fd, int level, int name);

/// How many descriptors the process has open.
std::size_t open_files();

/// An upper bound for descriptors, until it goes.
class FileLimit {
 public:
  /// No descriptor can be had beyond those that are open.
  FileLimit();
  ~FileLimit();
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  rlimit before_{};
};

/// A directory that goes with its content.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  std::string path(std::string_view name) const { return directory_ + "/" + std::string(name); }

 private:
  std::string directory_;
};

}  // namespace culvert::test
