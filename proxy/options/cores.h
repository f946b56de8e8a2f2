#pragma once

namespace culvert {

/// How many cores this process may use at once: its affinity mask, and the CPU quota of its
/// container (cgroup v2) rounded up.  At least 1.
unsigned usable_cores();

}  // namespace culvert
