#pragma once

#include <optional>
#include <string>
#include <vector>

#include "check/report.h"
#include "check/target.h"
#include "check/walk.h"

namespace culvert {

/// Takes the steps of a report as they are done.
class StepReader {
 public:
  /// `report` may have new steps at its end; or it is another one than before.
  virtual void on_steps(const TargetReport& report) = 0;

 protected:
  ~StepReader() = default;
};

/// Walks the way to each target in turn, or, if there is none, to all that needs none: each
/// upstream, and a registry of each preset that the routes name.  `pid` is whose proxy variables
/// count; nullopt: our own.
std::vector<TargetReport> check_targets(Walk& walk, const std::vector<CheckTarget>& targets,
                                        std::optional<int> pid, StepReader& reader);

/// A registry of each preset that a route of `config` names: "gcr.io:443".
std::vector<std::string> preset_registries(const Config& config);

}  // namespace culvert
