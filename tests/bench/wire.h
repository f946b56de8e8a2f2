#pragma once

#include <netinet/in.h>
#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What the load generator's client and servers share: sockets, readiness, and the language in
/// which a client tells a target what to do.
namespace bench {

std::uint64_t now_ns();

/// Ends the program with the reason; a rig that is broken must not yield numbers.
[[noreturn]] void fail(const std::string& why);

/// For each of thousands of tunnels, a descriptor.
void raise_descriptor_limit();

/// Reads "ADDRESS:PORT" with an IPv4 address.
sockaddr_in to_address(const std::string& text);
std::string to_text(const sockaddr_in& address);
sockaddr_in local_address(int fd);

int stream_socket();
void set_no_delay(int fd);

/// What a poller calls. An object watches one descriptor at a time.
class Watched {
 public:
  virtual ~Watched() = default;
  /// May destroy the object itself, and no other one that is watched.
  virtual void on_event(std::uint32_t events) = 0;
};

/// A level-triggered epoll set.
class Poller {
 public:
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  void add(int fd, std::uint32_t events, Watched* who) const;
  void change(int fd, std::uint32_t events, Watched* who) const;
  void remove(int fd) const;
  /// Waits once and calls whoever has something to do.
  void turn(int timeout_ms) const;

 private:
  int fd_;
};

/// An endless stream of bytes that both ends know: byte n of stream s is the same at each, so that
/// any loss, repetition or exchange of bytes shows.
class Pattern {
 public:
  /// How many bytes are in one piece at most.
  static constexpr std::size_t kPiece = 256 * 1024;

  /// The bytes of stream seed from position on, wanted of them or fewer, and at least one.
  static std::string_view at(std::uint64_t seed, std::uint64_t position, std::uint64_t wanted);
  static bool matches(std::uint64_t seed, std::uint64_t position, std::string_view bytes);
};

/// The first bytes in a tunnel to a source or a sink.
struct Order {
  static constexpr std::size_t kSize = 16;
  std::uint64_t bytes = 0;
  std::uint64_t seed = 0;

  std::string encode() const;
  static Order decode(std::string_view text);
};

/// A sink's answer when it has everything.
struct Receipt {
  static constexpr std::size_t kSize = 16;
  std::uint64_t bytes = 0;
  std::uint64_t hash = 0;

  std::string encode() const;
  static Receipt decode(std::string_view text);
};

/// FNV-1a, piece by piece.
class Hash {
 public:
  void add(std::string_view bytes);
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325;
};

/// A buffer for whatever is read; valid until the next read.
char* scratch();
inline constexpr std::size_t kScratch = 256 * 1024;

/// The number behind a header's name in a head, or nothing.
std::optional<std::uint64_t> content_length(std::string_view head);
/// The value of a header, or an empty one. Names are compared without regard to case.
std::string header(std::string_view head, std::string_view name);

}  // namespace bench
