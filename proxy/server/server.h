#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "net/signals.h"
#include "server/worker.h"

namespace culvert {

/// The listeners and workers of one configuration, from bind to the last byte.
class Server {
 public:
  /// Binds every listener; on failure nothing is left behind, and the error's text is a sentence.
  static Result<std::unique_ptr<Server>> start(std::unique_ptr<Shared> shared);
  ~Server();

  /// Serves in this thread and its workers' until a SIGTERM or SIGINT has been answered: the first
  /// one drains, a second one ends at once.
  void run();

  /// Where it really listens: "http://127.0.0.1:3128" and the like, without doubles.
  const std::vector<std::string>& listening() const { return listening_; }
  Log& log() { return workers_[0]->log(); }

  /// Something hangs that cannot be waited for (a name lookup in another thread).
  bool busy() const;

 private:
  explicit Server(std::unique_ptr<Shared> shared) : shared_(std::move(shared)) {}

  Result<void> bind();
  void make_workers();
  void on_signal(int signal);
  void on_worker_drained();
  void each_worker(void (Worker::*method)());

  std::unique_ptr<Shared> shared_;
  std::vector<std::vector<ListenSocket>> sockets_;  // for each worker, until it takes them over
  std::vector<std::string> listening_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
  std::size_t running_ = 0;
  bool draining_ = false;
};

}  // namespace culvert
