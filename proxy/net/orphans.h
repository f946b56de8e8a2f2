#pragma once

#include <optional>
#include <vector>

#include "net/loop.h"
#include "net/signals.h"
#include "net/timer.h"

namespace culvert {

/// Process 1, as in a container, becomes the parent of all processes that lose theirs, and has to
/// wait for each: it would stay in the table of processes.  This does so while it exists, if we are
/// process 1 or took on the same duty (prctl(2), PR_SET_CHILD_SUBREAPER).
class Orphans {
 public:
  /// Not waited for: `awaited`, which others do, and the children that libuv has started on this
  /// loop.
  Orphans(Loop& loop, std::vector<int> awaited);
  /// One of `awaited` has been waited for: an orphan may get its number.
  void forget(int pid);

 private:
  void on_child_ended(int) { reap(); }
  void reap();
  bool is_awaited(int pid) const;

  Loop& loop_;
  std::vector<int> awaited_;
  Timer again_;
  std::optional<SignalWatcher> ended_;
};

}  // namespace culvert
