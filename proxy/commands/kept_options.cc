#include "commands/kept_options.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "options/build_config.h"
#include "options/config_file.h"
#include "options/flags.h"
#include "options/listen_address.h"
#include "setup/installed_service.h"
#include "setup/root.h"
#include "setup/service_files.h"
#include "setup/service_listeners.h"

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

/// What is wrong with both together only; empty: nothing.
std::string new_problem(const Settings& before, const Settings& now, std::string_view root) {
  const std::vector<std::string> known = service_problems(before, root);
  for (const std::string& problem : service_problems(now, root)) {
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

std::vector<std::string> service_problems(const Settings& settings, std::string_view root) {
  Settings found;
  const auto in_root = [&](std::string_view, const std::string& path) {
    return path.starts_with('/') ? below_root(root, path) : path;
  };
  for (const std::string_view flag : settings.flags()) {
    // systemd makes its folder for the service.
    if (flag == "access-log") continue;
    for (const Given& given : settings.of(flag)) {
      found.add(flag, {with_files(flag, given.value, in_root), given.origin});
    }
  }
  std::vector<std::string> problems;
  static_cast<void>(build_config(found, ReadWhen::serving, problems));
  return problems;
}

void add_listener(const std::string& text, std::vector<GivenListener>& listeners) {
  std::vector<std::string> problems;
  if (auto given = parse_given_listener(text, problems)) listeners.push_back(*std::move(given));
}

std::vector<GivenListener> installed_listeners(const InstalledService& service) {
  std::vector<std::string> texts;
  const Source installed = read_config_text(service.config, kServiceConfig);
  for (const Given& given : installed.settings.of("listen")) {
    if (given.value != "systemd" && given.value != kOwnSocket) texts.push_back(given.value);
  }
  texts.insert(texts.begin(), service.listeners.begin(), service.listeners.end());
  std::vector<GivenListener> listeners;
  for (const std::string& text : texts) add_listener(text, listeners);
  return listeners;
}

KeptOptions keep_options(const ServiceOptions& given, const std::string& config,
                         std::string_view root) {
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
  } else if (const std::string problem = new_problem(installed.settings, all, root);
             merged.problem.empty() && !problem.empty()) {
    merged.problem = concat({problem, kGiveAgain});
  }
  return merged;
}

}  // namespace culvert
