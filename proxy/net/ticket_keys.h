#pragma once

#include <array>
#include <chrono>
#include <mutex>
#include <optional>
#include <span>

struct ssl_ctx_st;

namespace culvert {

/// The keys by which a TLS server encrypts its session tickets (RFC 5077 section 4, RFC 8446
/// section 4.6.1): what it knows of a session is with the client, and nothing is kept here.  Made
/// anew each hour; the key before it still opens what it has sealed, so a ticket of an hour is
/// always taken.  Any thread may use them.
class TicketKeys {
 public:
  using Clock = std::chrono::steady_clock;
  using Now = Clock::time_point (*)();
  /// Fills the bytes with random ones; false: there are none to be had.
  using Random = bool (*)(std::span<unsigned char>);
  /// How long a key seals tickets, and how long a ticket is good for.
  static constexpr std::chrono::hours kLife{1};

  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher, mac;
  };
  struct Found {
    Key key;
    bool current;  ///< false: the client is to get a ticket by the new one
  };

  explicit TicketKeys(Now now = Clock::now, Random random = random_bytes);
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  /// For a new ticket; nullopt: without randomness there is no key.
  std::optional<Key> current();
  /// For a ticket by the key of that name.
  std::optional<Found> find(std::span<const unsigned char, 16> name);

  /// `context` seals its tickets by these from now on, which outlive it.
  void serve(ssl_ctx_st* context);

 private:
  static bool random_bytes(std::span<unsigned char> bytes);
  void rotate();

  Now now_;
  Random random_;
  std::mutex mutex_;
  std::optional<Key> current_, before_;
  Clock::time_point made_;  // of the current one
};

}  // namespace culvert
