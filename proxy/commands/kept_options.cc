#include "commands/kept_options.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "options/build_config.h"
#include "options/config_file.h"
#include "options/flags.h"
#include "setup/installed_service.h"
#include "setup/service_files.h"

namespace culvert {
namespace {

constexpr std::string_view kGiveAgain =
    " - give all options of the service again, or begin anew behind --uninstall";

/// Of the socket unit, or what setup itself writes for every service.
bool is_kept(std::string_view name, const std::vector<Given>& values) {
  if (values.empty() || name == "listen" || name == "config") return false;
  return name != "drain-timeout" || values.front().value != "10s";
}

/// Who may use the service is said by one of two options: the new one takes the other back.
bool is_taken_back(std::string_view name, const ServiceOptions& given) {
  const std::string_view other = name == "open-proxy"     ? "allow-client"
                                 : name == "allow-client" ? "open-proxy"
                                                          : "";
  return std::any_of(given.begin(), given.end(),
                     [&](const auto& option) { return option.first == other; });
}

std::vector<std::string> problems_of(Settings settings) {
  // systemd makes its folder for the service.
  settings.drop("access-log");
  std::vector<std::string> problems;
  static_cast<void>(build_config(settings, ReadWhen::serving, problems));
  return problems;
}

/// What is wrong with both together only; empty: nothing.
std::string new_problem(const Settings& before, const Settings& now) {
  const std::vector<std::string> known = problems_of(before);
  for (const std::string& problem : problems_of(now)) {
    if (std::find(known.begin(), known.end(), problem) == known.end()) return problem;
  }
  return {};
}

bool has_lost_file(const std::vector<Given>& values) {
  return std::any_of(values.begin(), values.end(), [](const Given& given) {
    return given.value.find(kCredentials) != std::string::npos;
  });
}

}  // namespace

KeptOptions keep_options(const ServiceOptions& given, const std::string& config) {
  KeptOptions merged{given, {}, {}};
  if (config.empty()) return merged;
  const Source installed = read_config_text(config, kServiceConfig);
  merged.service.clear();
  Settings all;
  for (const Flag& flag : flags()) {
    const auto now = std::find_if(given.begin(), given.end(),
                                  [&](const auto& option) { return option.first == flag.name; });
    if (now != given.end()) {
      merged.service.push_back(*now);
      for (const std::string& value : now->second) {
        all.add(flag.name, {value, concat({"--", flag.name})});
      }
      continue;
    }
    const std::vector<Given>& values = installed.settings.of(flag.name);
    if (!is_kept(flag.name, values) || is_taken_back(flag.name, given)) continue;
    if (has_lost_file(values)) {
      merged.problem = concat({kServiceConfig, ": ", flag.name, " names a file that ", kServiceUnit,
                               " does not tell any more", kGiveAgain});
    }
    merged.kept.emplace_back(flag.name);
    merged.service.emplace_back(flag.name, std::vector<std::string>());
    for (const Given& value : values) {
      merged.service.back().second.push_back(value.value);
      all.add(flag.name, value);
    }
  }
  if (!installed.problems.empty()) {
    merged.problem = installed.problems.front();
  } else if (const std::string problem = new_problem(installed.settings, all);
             merged.problem.empty() && !problem.empty()) {
    merged.problem = concat({problem, kGiveAgain});
  }
  return merged;
}

}  // namespace culvert
