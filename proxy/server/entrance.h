#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "base/host_port.h"
#include "net/listener.h"
#include "session/client_limits.h"

namespace culvert {

class Worker;

/// One `--listen` in one worker: accepts connections and makes sessions of them.
///
/// Where possible each worker has a listening socket of its own (SO_REUSEPORT), and the kernel
/// spreads the clients.  A socket that exists only once (unix:) is accepted from by one worker,
/// which deals the connections to all workers, itself included, in turn: so they are spread evenly
/// at any rate, and one thread knows when the last of them is dealt.
class Entrance {
 public:
  /// `worker` outlives it.  `listener`: which of Config::listen it is for.  Not open yet: it serves
  /// only what is dealt to it.
  Entrance(Worker& worker, std::size_t listener);
  ~Entrance();
  Entrance(const Entrance&) = delete;
  Entrance& operator=(const Entrance&) = delete;

  /// The file of a socket that was handed over is ours from now on.
  void take_over();
  /// Accepts from `socket`.  `dealt_to` are the entrances of all workers to the same --listen, this
  /// one among them, which outlive it; empty if every worker has a socket of its own.
  void open(ListenSocket socket, std::vector<Entrance*> dealt_to = {});
  /// See Listener::pressed_for().
  std::chrono::milliseconds pressed_for() const;
  /// See Listener::resume().
  void resume();
  /// Stops listening.  Clients that are in the queue are accepted first, so that none is reset,
  /// unless the socket outlives us.
  void close();
  /// Stops listening and leaves everything to another process that has the socket, too.
  void hand_over();

 private:
  void on_accepted(int fd, const std::optional<HostPort>& peer);
  void on_starved(int error);
  Entrance& next_in_turn();
  void deal_to(Entrance& other, int fd, const std::optional<HostPort>& peer);
  void admit(int fd, const std::optional<HostPort>& peer, const Shortage& shortage);
  std::unique_ptr<ClientLimits> limits_for(const std::optional<HostPort>& peer);

  Worker& worker_;
  std::size_t index_;  // of SessionContext::listeners
  std::optional<ListenSocket> socket_;
  std::unique_ptr<Listener> listener_;
  std::vector<Entrance*> dealt_to_;
  std::size_t turn_ = 0;  // of dealt_to_
};

}  // namespace culvert
