#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "net/sandbox.h"

namespace culvert {

struct NeededPaths {
  std::vector<PathGrant> grants;
  /// Files that are granted without their folder, which is the system's or a user's home: one that
  /// is renamed into their place cannot be opened.
  std::vector<std::string> alone;
};

/// The paths that `culvert serve` needs once it serves: those of the system by which names are
/// looked up and certificates verified, with those that they are links to now, the folders of the
/// files that a reload reads again (one may be replaced by renaming another), that of the access
/// log, which is opened anew, and those of unix sockets, which are removed at the end.  Environment
/// variables that name such files count.
NeededPaths needed_paths(const Config& config);

/// "reads below /etc, /usr; writes below /var/log/culvert", for the log.
std::string paths_text(const std::vector<PathGrant>& grants);

/// What it means that `files` are NeededPaths::alone, for the log.
std::string alone_text(const std::vector<std::string>& files);

}  // namespace culvert
