#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/callback.h"
#include "base/host_port.h"
#include "base/result.h"
#include "net/timer.h"

namespace culvert {

/// A listening socket, bound and ready; owns the descriptor.
class ListenSocket {
 public:
  /// `reuse_port` lets several workers share the port.  Port 0 lets the system choose.  Errors of
  /// this class are whole sentences that name the address.
  static Result<ListenSocket> tcp(const HostPort& address, bool reuse_port);
  /// Fails if another socket is bound to the port; to be called before sharing it.
  static Result<void> check_free(const HostPort& address);
  /// Replaces a stale socket file, never one that accepts connections.
  static Result<ListenSocket> unix_path(const std::string& path);

  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket& operator=(ListenSocket&& other) noexcept;
  ~ListenSocket();

  int fd() const { return fd_; }
  /// The address after binding, with the port that the system chose.
  const HostPort& address() const { return address_; }

 private:
  explicit ListenSocket(int fd) : fd_(fd) {}

  int fd_ = -1;
  HostPort address_;
  std::string path_;                              // of a unix socket: removed at the end,
  std::pair<std::uint64_t, std::uint64_t> file_;  // if it is still this one
};

/// Accepts connections from a ListenSocket.
class Listener final : private Pollable {
 public:
  /// A connection's descriptor (non-blocking; the receiver owns it) and its peer; nullopt for a
  /// unix socket.
  using Accepted = Callback<void(int, const std::optional<HostPort>&)>;
  /// Accepting failed with this errno (EMFILE, ENFILE, ENOMEM; ENOSPC: see Loop::watch()); it is
  /// tried again by itself.
  using Starved = Callback<void(int)>;

  Listener(Loop& loop, ListenSocket& socket, Accepted accepted, Starved starved);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Accepts what is already in the queue, so that closing the socket resets no client.
  void accept_all();

 private:
  void on_poll(std::uint32_t events) override;
  void begin_watching();
  bool accept_one();
  void on_retry();

  Loop& loop_;
  ListenSocket& socket_;
  Accepted accepted_;
  Starved starved_;
  Timer retry_;
  int watch_error_ = 0;
};

}  // namespace culvert
