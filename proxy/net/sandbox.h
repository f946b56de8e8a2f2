#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace culvert {

/// A path that is kept, with all that is below it.
struct PathGrant {
  enum class Use : std::uint8_t {
    read,    ///< files
    list,    ///< files, and which there are
    write,   ///< files, and making new ones
    remove,  ///< files
    device,  ///< reads and writes this one file
  };
  std::string path;
  Use use = Use::read;

  friend bool operator==(const PathGrant&, const PathGrant&) = default;
};

/// What a process has given up.
struct SandboxState {
  bool no_new_privs = false;  ///< no program that it executes gets rights that it has not
  int landlock = 0;           ///< the version of the kernel's interface; 0: paths are as before
  std::string why_not;        ///< a clause, if there is no Landlock
};

/// The rights over files that version `abi` of the kernel's interface knows, and that are given up
/// (landlock(7), "Filesystem flags").
std::uint64_t landlock_rights(int abi);

/// Gives up, for good and for all threads that this one starts later: rights by executing programs
/// (prctl(2), PR_SET_NO_NEW_PRIVS), and every path but `grants` (landlock(7), where the kernel has
/// it).  Descriptors that are open stay usable.  A grant whose path is not there is none.
SandboxState enter_sandbox(const std::vector<PathGrant>& grants);

}  // namespace culvert
