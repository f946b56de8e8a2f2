#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "net/dns_channel.h"
#include "net/loop.h"
#include "net/name_answer.h"
#include "net/timer.h"

namespace culvert {

/// Asks DNS servers on a loop, through c-ares: UDP that is repeated, the next server after one that
/// fails, TCP for what is too long.
class DnsClient {
 public:
  using Options = DnsChannel::Options;
  using Done = std::function<void(NameAnswer)>;

  DnsClient(Loop& loop, const Options& options);
  /// Silent: questions in flight are forgotten.
  ~DnsClient();
  DnsClient(const DnsClient&) = delete;
  DnsClient& operator=(const DnsClient&) = delete;

  /// Asks for the A or AAAA records of `name`, which is absolute.  `done` is called once, in a
  /// later turn; it may ask again and forget all, but not destroy this.
  void ask(const std::string& name, IpAddress::Family family, Done done);
  /// Ends all questions without a call.
  void forget_all();
  std::size_t in_flight() const { return in_flight_; }

 private:
  struct Question;
  static void on_answer(void* question, int status, int timeouts, unsigned char* bytes, int size);
  void on_timer();
  void deliver();
  void update_timer();

  Loop& loop_;
  int tries_;
  Timer timer_;
  // c-ares either passes on an answer like SERVFAIL, or asks the next server and (before 1.19)
  // forgets what it was.  So the first channel passes it on, and the second asks all servers.
  std::unique_ptr<DnsChannel> channel_;
  std::unique_ptr<DnsChannel> next_servers_;
  std::deque<std::pair<Done, NameAnswer>> answers_;  // not delivered yet
  std::size_t in_flight_ = 0;
  bool forgetting_ = false;
};

}  // namespace culvert
