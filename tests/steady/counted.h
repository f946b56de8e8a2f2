// What the steady state is to do without, counted for the whole program, which is one thread.
#pragma once

#include <cstddef>

namespace culvert::test {

struct Counts {
  std::size_t allocations = 0;   ///< blocks allocated or made larger, by any code
  std::size_t timer_starts = 0;  ///< calls of Timer::start()
  std::size_t log_lines = 0;     ///< calls of Log::write(), and AccessLines, written or not
  std::size_t writes = 0;        ///< calls of write(2)
};

/// So far.
Counts counted();

/// What `work` costs.
template <typename Work>
Counts cost_of(Work work) {
  const Counts before = counted();
  work();
  const Counts after = counted();
  return {after.allocations - before.allocations, after.timer_starts - before.timer_starts,
          after.log_lines - before.log_lines, after.writes - before.writes};
}

}  // namespace culvert::test
