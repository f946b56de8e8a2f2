#pragma once

#include <cstdint>
#include <vector>

#include "base/callback.h"
#include "net/loop.h"

namespace culvert {

/// Descriptors of which one loop is notified when one becomes readable, ends or fails.  Any thread
/// may add one or take one out.
class ReadySet final : private Pollable {
 public:
  /// `ready` is called in the loop's thread.  If the system gives no descriptor for the set,
  /// `ready` is never called.
  ReadySet(Loop& loop, Callback<void()> ready);
  ~ReadySet();
  ReadySet(const ReadySet&) = delete;
  ReadySet& operator=(const ReadySet&) = delete;

  /// `id` is how ready() identifies it.  A negative descriptor is none.
  void add(int fd, std::uint64_t id);
  /// To be called before the descriptor is watched elsewhere; closing it has the same effect.
  void remove(int fd);
  /// Those that are ready now.  One that stays so is reported again in the next turn.
  std::vector<std::uint64_t> ready();

 private:
  void on_poll(std::uint32_t events) override;

  Loop& loop_;
  Callback<void()> ready_;
  int epoll_;
};

}  // namespace culvert
