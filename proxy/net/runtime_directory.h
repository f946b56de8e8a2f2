#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace culvert {

/// Where the unix sockets are by which other processes of this user reach this one:
/// $RUNTIME_DIRECTORY (of systemd), for root /run/culvert, for others $XDG_RUNTIME_DIR/culvert or
/// /tmp/culvert-UID.
std::string runtime_directory();

/// That one first, then all others that a culvert may have chosen whose environment is another one,
/// or which is a service.
std::vector<std::string> runtime_directories();

/// Makes the directory if need be.  An error, a sentence, if somebody else could write to it.
Result<void> prepare_runtime_directory(const std::string& directory);

/// Of `path` there, "PATH: WHY".
Error runtime_error(const std::string& path, int error);

/// "4026531840-": how names begin of what belongs to our network namespace.  There the same address
/// is the same listener.
std::string network_prefix();

}  // namespace culvert
