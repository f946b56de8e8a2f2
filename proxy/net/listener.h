#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/callback.h"
#include "base/host_port.h"
#include "base/result.h"
#include "net/loop.h"
#include "net/timer.h"

namespace culvert {

/// The file of a unix socket: it is removed by who made it, if it is still this one.
struct SocketFile {
  std::string path;
  std::pair<std::uint64_t, std::uint64_t> id;  ///< device and inode

  /// The file that is at `path` now.
  static SocketFile at(const std::string& path);
  bool is_there() const { return !path.empty() && at(path).id == id; }
};

/// What the file of a unix socket is to be like.
struct SocketFileRights {
  /// Permission bits.  Without, its owner alone may connect, with a `group` that, too.
  std::optional<unsigned> mode;
  std::optional<unsigned> owner;  ///< a user's number; without, as whoever makes a file
  std::optional<unsigned> group;
};

/// A listening socket, bound and ready; owns the descriptor.
class ListenSocket {
 public:
  /// What a socket on [::] takes.
  enum class Takes : std::uint8_t { its_family, ipv4_too };
  /// An address that no interface of this host has: an error, or bound for the time when one has it
  /// (IP_FREEBIND).
  enum class Absent : std::uint8_t { refused, awaited };

  /// `reuse_port` lets several workers share the port.  Port 0 lets the system choose.  Errors of
  /// this class are whole sentences that name the address.
  static Result<ListenSocket> tcp(const HostPort& address, bool reuse_port,
                                  Takes takes = Takes::its_family, Absent absent = Absent::refused);
  /// Fails if another socket is bound to the port; to be called before sharing it.
  static Result<void> check_free(const HostPort& address, Takes takes = Takes::its_family,
                                 Absent absent = Absent::refused);
  /// Replaces a stale socket file, never one that accepts connections.  Nobody can connect before
  /// the file has its `rights`.  To be called while this process has a single thread.
  static Result<ListenSocket> unix_path(const std::string& path,
                                        const SocketFileRights& rights = {});
  /// A descriptor that another process has opened.  Fails, and leaves it open, if it is no
  /// listening stream socket of IPv4, IPv6 or unix; the error's text is a clause ("descriptor 3 is
  /// ...").
  static Result<ListenSocket> passed(int fd);

  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket& operator=(ListenSocket&& other) noexcept;
  ~ListenSocket();

  int fd() const { return fd_; }
  /// A number of the owner's, 0 at first: which of its listeners this socket is of.
  std::size_t index() const { return index_; }
  void set_index(std::size_t index) { index_ = index; }
  bool is_tcp() const { return address_.ip.has_value(); }
  /// The address after binding, with the port that the system chose; of a TCP socket.
  const HostPort& address() const { return address_; }
  /// A socket on [::] that takes IPv4 clients as well.
  bool is_dual_stack() const;
  /// It was bound for an address that no interface had, and still none has it.
  bool awaits_address() const;
  /// "http://127.0.0.1:3128", "unix:/path", or "unix:@name" for an abstract one.
  std::string url() const;

  /// Lets go of the descriptor, which stays open.
  void release() { fd_ = -1; }

  const SocketFile& file() const { return file_; }
  /// Finds the file of a unix socket that was passed, which stays somebody else's.
  void find_file() { file_ = SocketFile::at(path_); }
  /// The file that was found is ours from now on.
  void own_file() { owns_file_ = true; }
  /// It is somebody else's.
  void leave_file() { owns_file_ = false; }

  /// Another process keeps the socket when we close it, and with it the clients in its queue.
  bool outlives_us() const { return outlives_us_; }
  void set_outlives_us() { outlives_us_ = true; }

 private:
  explicit ListenSocket(int fd) : fd_(fd) {}

  int fd_ = -1;
  std::size_t index_ = 0;
  HostPort address_;
  std::string path_;  // of a unix socket
  SocketFile file_;   // the same
  bool owns_file_ = false;
  bool outlives_us_ = false;
};

/// What the shortage of descriptors means for a new connection.
struct Shortage {
  /// There is none to serve it with.
  bool refuses = false;
  /// For so long it was in the kernel's queue; 0 if descriptors are not short, or if the system
  /// does not tell.
  std::chrono::milliseconds queued_for{0};
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
  /// A connection was accepted: sets for how long no other one is to be, if it is to wait.
  using NextAccept = Callback<void(std::chrono::milliseconds& time)>;

  /// Descriptors are short: sets whether nobody can give way to a connection that comes now.
  using AskHopeless = Callback<void(bool& hopeless)>;

  /// With a loop that can make room for new connections, some descriptors are left to those that
  /// are served, see Loop::set_make_room().
  Listener(Loop& loop, ListenSocket& socket, Accepted accepted, Starved starved);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Connections stay in the kernel's queue for as long as `next` says.
  void limit_rate(NextAccept next) { next_ = next; }
  /// If it is hopeless for a while, connections are accepted, a few at a time, to be refused, see
  /// Shortage: with what is left of the descriptors, and at last with the place of `spare`.
  void refuse_if(AskHopeless hopeless, SpareDescriptor& spare);
  /// Of the connection that Accepted is called for.
  const Shortage& shortage() const { return shortage_; }
  /// For how long the queue has not been empty, as it had to wait; until it did so last.
  std::chrono::milliseconds pressed_for() const;
  /// A descriptor is free: if it waits for one, it accepts again.
  void resume();
  /// Accepts what is already in the queue, at any rate, so that closing the socket resets no
  /// client.
  void accept_all();

 private:
  void on_poll(std::uint32_t events) override;
  void begin_watching();
  bool accept_one();
  bool has_to_wait();
  bool accept_after(int error);
  [[gnu::cold]] bool accept_in_need(int error);
  [[gnu::cold]] void starve(int error);
  void seek_room(int fd);
  bool has_room();
  [[gnu::cold]] bool is_hopeless();
  [[gnu::cold]] bool accept_with_spare();
  bool accept_last();
  void pause(std::chrono::milliseconds time);
  void on_retry();

  Loop& loop_;
  ListenSocket& socket_;
  Accepted accepted_;
  Starved starved_;
  int reserve_from_;  // descriptors have the lowest numbers that are free
  int crowded_from_;  // the same, or 0 for a while after there was none
  Loop::Clock::time_point starved_at_;
  Loop::Clock::time_point queued_since_ = Loop::Clock::time_point::max();
  Loop::Clock::time_point paused_at_;
  // When descriptors for one more are there beside the connection that was accepted last.
  Loop::Room room_ = Loop::Room::made;
  Shortage shortage_;
  bool made_room_ = false;   // for the connection that is accepted now
  bool is_starved_ = false;  // it waits for one
  int refused_ = 0;          // in this turn
  AskHopeless hopeless_{};
  SpareDescriptor* spare_ = nullptr;
  Loop::Clock::time_point hopeless_since_ = Loop::Clock::time_point::max();
  NextAccept next_{};
  Timer retry_;
  int watch_error_ = 0;
};

}  // namespace culvert
