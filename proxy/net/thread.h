#pragma once

#include <pthread.h>

#include <functional>
#include <optional>

namespace culvert {

/// A thread, to be joined.  std::thread throws where the system has none left; this says so.
class Thread {
 public:
  /// Runs `work` in a new thread.  nullopt, and errno, if there is none to be had.
  static std::optional<Thread> start(std::function<void()> work);
  /// The same for one that nobody waits for.  False, and errno, if there is none to be had.
  static bool start_detached(std::function<void()> work);

  /// Waits until it has ended.
  void join() { pthread_join(id_, nullptr); }

 private:
  explicit Thread(pthread_t id) : id_(id) {}

  pthread_t id_;
};

}  // namespace culvert
