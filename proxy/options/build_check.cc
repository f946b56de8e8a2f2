#include "options/build_check.h"

#include <chrono>
#include <limits>
#include <variant>

#include <fmt/format.h>

#include "base/redact.h"
#include "base/text.h"
#include "options/values.h"

namespace culvert {
namespace {

using namespace std::chrono_literals;

constexpr DurationLimits kWalkLimits = {1s, 10min};

/// Moves what was parsed to `out`, or tells what is wrong with it.
template <typename T, typename Out>
void read_into(const Given& given, const Parsed<T>& parsed, Out& out,
               std::vector<std::string>& problems) {
  if (const auto* problem = std::get_if<std::string>(&parsed)) {
    problems.push_back(fmt::format("{} {}: {}", given.origin, redact(given.value), *problem));
  } else {
    out = static_cast<Out>(std::get<T>(parsed));
  }
}

}  // namespace

CheckOptions build_check(const Settings& own, const std::vector<std::string>& targets,
                         std::vector<std::string>& problems) {
  CheckOptions options;
  options.targets = targets;
  for (const std::string& target : targets) {
    if (trim_space(target).empty()) problems.emplace_back("check: a target is empty");
  }
  for (const Given& given : own.of("json")) {
    read_into(given, parse_switch(given.value), options.json, problems);
  }
  for (const Given& given : own.of("pid")) {
    int pid = 0;
    read_into(given, parse_count(given.value, 1, std::numeric_limits<int>::max()), pid, problems);
    options.pid = pid;
  }
  for (const Given& given : own.of("timeout")) {
    read_into(given, parse_duration(given.value, kWalkLimits), options.timeout, problems);
  }
  return options;
}

}  // namespace culvert
