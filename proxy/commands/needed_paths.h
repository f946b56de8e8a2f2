#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "net/sandbox.h"

namespace culvert {

/// The paths that `culvert serve` needs once it serves: those of the system by which names are
/// looked up and certificates verified, the folders of the files that a reload reads again (one may
/// be replaced by renaming another), that of the access log, which is opened anew, and those of
/// unix sockets, which are removed at the end.  Environment variables that name such files count.
std::vector<PathGrant> needed_paths(const Config& config);

/// "reads below /etc, /usr; writes below /var/log/culvert", for the log.
std::string paths_text(const std::vector<PathGrant>& grants);

}  // namespace culvert
