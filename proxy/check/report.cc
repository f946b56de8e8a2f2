#include "check/report.h"

#include <algorithm>

namespace culvert {

bool TargetReport::ok() const {
  return std::all_of(steps.begin(), steps.end(), [](const CheckStep& step) { return step.ok; });
}

}  // namespace culvert
