#pragma once

#include <string_view>

namespace culvert {

// Nothing here throws, and nothing catches.  Memory that runs out ends the process
// (std::terminate).

/// The exit status of fatal().
inline int fatal_status = 1;

/// For what can be missing only at the start, and without which there is nothing to do: says so on
/// stderr and ends the process.  `sys` is an errno.
[[noreturn]] void fatal(std::string_view what, int sys);

}  // namespace culvert
