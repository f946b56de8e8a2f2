#pragma once

#include <optional>
#include <string>
#include <vector>

#include "check/failure_source.h"
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

/// What a check goes by.
struct CheckMeans {
  Walk& walk;
  Walk& direct;            ///< without any proxy, for near hosts that clients connect to directly
  std::optional<int> pid;  ///< whose proxy variables count; nullopt: our own
  StepReader& reader;
  FailureSource& failures;  ///< asked where a pull-through cache may have failed
};

/// Walks the way to each target in turn, or, if there is none, to all that needs none: each
/// upstream, and a registry of each preset that the routes name.
std::vector<TargetReport> check_targets(const CheckMeans& means,
                                        const std::vector<CheckTarget>& targets);

/// A registry of each preset that a route of `config` names: "gcr.io:443".
std::vector<std::string> preset_registries(const Config& config);

}  // namespace culvert
