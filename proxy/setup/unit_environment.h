#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "setup/unit_file.h"

namespace culvert {

/// A variable that a service gets, and which file says so.
struct UnitVariable {
  std::string name;
  std::string value;
  std::string path;
};

/// What a service's environment will be when systemd starts it anew.
struct UnitEnvironment {
  bool found = false;                   ///< the unit itself is there
  std::vector<UnitVariable> variables;  ///< each name once
  std::vector<UnitVariable> removed;    ///< by UnsetEnvironment=
  std::string unreadable;               ///< a file, and why; empty: all could be read

  /// nullptr: it is not set.
  const UnitVariable* find(std::string_view name) const;
};

/// Environment=, then EnvironmentFile=, then UnsetEnvironment= (systemd.exec(5)).  What systemd
/// itself hands on by PassEnvironment= is less than all of them, and is not known here.
UnitEnvironment unit_environment(const SetupFacts& facts, const UnitName& unit,
                                 FilesToBe to_be = {});

/// The assignments of an environment file, NAME=VALUE, as systemd reads it.
std::vector<std::string> read_environment_file(std::string_view text);

}  // namespace culvert
