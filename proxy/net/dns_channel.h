#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/callback.h"
#include "base/ip_address.h"
#include "net/loop.h"

struct ares_channeldata;

namespace culvert {

/// One of c-ares' channels on a loop: the servers, and the sockets to them.
class DnsChannel {
 public:
  struct Options {
    std::string resolv_conf = "/etc/resolv.conf";
    std::string servers;  ///< "127.0.0.1:5300,...": instead of the file's; for tests
    /// Until the first repetition; c-ares doubles it (and newer ones adapt it).  With one server
    /// that is silent, a question ends after 1 + 2 + 4 s; a lost packet costs a second.
    std::chrono::milliseconds repeat_after{1'000};
    int tries = 3;
  };
  /// What SERVFAIL, REFUSED and NOTIMP are.
  enum class Refusals : std::uint8_t { answers, next_server };
  using OnAnswer = void (*)(void* argument, int status, int timeouts, unsigned char* bytes,
                            int size);

  /// `processed` is called after c-ares has worked on a socket, and may not destroy the channel.
  DnsChannel(Loop& loop, const Options& options, Refusals refusals, Callback<void()> processed);
  /// Ends all questions, each with a call.
  ~DnsChannel();
  DnsChannel(const DnsChannel&) = delete;
  DnsChannel& operator=(const DnsChannel&) = delete;

  /// False when there was no memory for it; then nothing else is called.
  bool usable() const { return handle_ != nullptr; }
  int servers() const;
  /// Whether the last socket that was needed could not be had, or not be watched.
  bool out_of_room() const { return out_of_room_; }
  /// For the A or AAAA records of `name`, which is absolute.  `on_answer` is called once, perhaps
  /// within any function of this class.
  void ask(const std::string& name, IpAddress::Family family, OnAnswer on_answer, void* argument);
  /// Ends all questions, each with a call.
  void cancel();
  /// Repeats what is due.
  void process();
  /// Until process() has something to do; nullopt: nothing is in flight.
  std::optional<std::chrono::milliseconds> wait() const;

 private:
  class Socket;
  ares_channeldata* open(const Options& options, Refusals refusals);
  int open_socket(int family, int type, int protocol);
  void process(int fd, std::uint32_t events);
  static void on_socket_state(void* self, int fd, int readable, int writable);

  Loop& loop_;
  Callback<void()> processed_;
  std::map<int, std::unique_ptr<Socket>> sockets_;
  bool out_of_room_ = false;
  ares_channeldata* handle_;
};

}  // namespace culvert
