#pragma once

#include <cerrno>

namespace culvert {

/// Whether a socket call failed for want of memory: unlike a connection that is gone, its peer is
/// well, and would wait.
inline bool lacks_memory(int error) { return error == ENOBUFS || error == ENOMEM; }

}  // namespace culvert
