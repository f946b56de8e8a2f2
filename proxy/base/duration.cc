#include "base/duration.h"

#include <fmt/format.h>

namespace culvert {

std::string format_duration(std::chrono::milliseconds duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0";
  for (const DurationUnit& unit : kDurationUnits) {
    if (count % unit.milliseconds == 0) {
      return fmt::format("{}{}", count / unit.milliseconds, unit.name);
    }
  }
  return fmt::format("{}ms", count);
}

std::string format_seconds(std::chrono::milliseconds duration) {
  std::int64_t tenths = duration.count() / 100;
  const std::int64_t rest = duration.count() % 100;
  if (rest > 50 || (rest == 50 && tenths % 2 == 1)) ++tenths;  // a half goes to the even digit
  return fmt::format("{}.{} s", tenths / 10, tenths % 10);
}

}  // namespace culvert
