// Name lookups that a test decides on: names under .test, for the whole process.
#pragma once

#include <string>
#include <vector>

namespace culvert::test {

/// Lookups of `name`, which ends in ".test", find these addresses from now on; none: they fail.
void set_addresses(const std::string& name, std::vector<std::string> addresses);

/// Lookups of `name`, which ends in ".test", fail with this errno from now on.
void fail_lookups(const std::string& name, int sys);

/// While it exists, lookups of "hangs.test", "hangs1.test" and the like wait; then they fail.
class HangingNames {
 public:
  HangingNames();
  ~HangingNames();
  HangingNames(const HangingNames&) = delete;
  HangingNames& operator=(const HangingNames&) = delete;

  /// How many wait at the moment.
  int waiting() const;
};

}  // namespace culvert::test
