#pragma once

#include <sys/types.h>

#include <vector>

#include "setup/plan.h"

namespace culvert {

/// As long as it lives, root reaches files with the rights of a user only: what links in the user's
/// home lead to is then nothing that the user could not have changed.  Of a process with one
/// thread.
class AsUser {
 public:
  /// nullptr: nothing changes.
  explicit AsUser(const SetupUser* user);
  AsUser(const AsUser&) = delete;
  AsUser& operator=(const AsUser&) = delete;
  ~AsUser();

  /// False if the system did not let root: then nothing may be done with files.
  bool good() const { return good_; }
  /// Whether one that lives has `group` among the further groups.
  static bool has_group(gid_t group);

 private:
  bool changed_ = false;
  bool good_ = true;
  std::vector<gid_t> groups_;  ///< root's own
};

}  // namespace culvert
