#include "options/cores.h"

#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "base/file_text.h"

namespace culvert {
namespace {

/// cpu.max holds "QUOTA PERIOD" in microseconds, or "max PERIOD".  Inside a container its own group
/// is mounted as the root.
unsigned quota_of_container() {
  unsigned long quota = 0;
  unsigned long period = 0;
  const std::string text = file_text("/sys/fs/cgroup/cpu.max");
  if (std::sscanf(text.c_str(), "%lu %lu", &quota, &period) != 2) return 0;
  if (quota == 0 || period == 0) return 0;
  return static_cast<unsigned>((quota + period - 1) / period);
}

}  // namespace

unsigned usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  unsigned cores = 1;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    cores = static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
  }
  const unsigned quota = quota_of_container();
  return quota == 0 ? cores : std::min(cores, quota);
}

}  // namespace culvert
