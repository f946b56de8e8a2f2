#pragma once

#include <cstdint>
#include <vector>

#include "base/callback.h"
#include "net/loop.h"

namespace culvert {

/// Descriptors that wait for one loop, which is told when one of them becomes readable, ends or
/// fails.  Any thread may add one or take one out.
class ReadySet final : private Pollable {
 public:
  /// `ready` is called in the loop's thread.  If the system gives no descriptor for the set, it
  /// stays silent.
  ReadySet(Loop& loop, Callback<void()> ready);
  ~ReadySet();
  ReadySet(const ReadySet&) = delete;
  ReadySet& operator=(const ReadySet&) = delete;

  /// `id` is what ready() will call it.  A negative descriptor is none.
  void add(int fd, std::uint64_t id);
  /// To be called before the descriptor is watched elsewhere; closing it does so, too.
  void remove(int fd);
  /// Those that are ready now.  One that stays so is told again in the next turn.
  std::vector<std::uint64_t> ready();

 private:
  void on_poll(std::uint32_t events) override;

  Loop& loop_;
  Callback<void()> ready_;
  int epoll_;
};

}  // namespace culvert
