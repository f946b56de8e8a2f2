#include "options/command_line.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/redact.h"
#include "options/arguments.h"
#include "options/build_config.h"
#include "options/command_table.h"
#include "options/completions.h"
#include "options/config_file.h"
#include "options/help.h"
#include "options/man_page.h"

#ifndef CULVERT_VERSION
#define CULVERT_VERSION "dev"
#endif

namespace culvert {
namespace {

constexpr std::string_view kVersion = CULVERT_VERSION;
constexpr std::string_view kCheck = "check";
constexpr std::string_view kMan = "man";
constexpr std::string_view kCompletion = "completion";
constexpr std::array<std::string_view, 3> kLaterCommands = {"run", "setup", "status"};

/// Empty if there is such a command.
std::string command_problem(std::string_view command) {
  const auto is_named = [&](const Command& known) { return known.name == command; };
  if (std::any_of(kCommands.begin(), kCommands.end(), is_named)) return {};
  if (std::find(kLaterCommands.begin(), kLaterCommands.end(), command) != kLaterCommands.end()) {
    return fmt::format("{}: this command is not there yet; there is serve, the default", command);
  }
  if (command.find("://") != std::string_view::npos) {
    return fmt::format("{}: write --upstream before the URL of a proxy", redact(command));
  }
  return fmt::format("{}: unknown command (serve is the default; see culvert --help)",
                     redact(command));
}

/// `culvert man` and `culvert completion SHELL`, which have no options.
CommandLine print_text(Arguments read) {
  std::vector<std::string> problems = std::move(read.source.problems);
  if (!read.source.settings.empty()) {
    problems.push_back(fmt::format("{}: takes no options", read.command));
  }
  std::string text = read.command == kMan ? man_page(kVersion) : completions(read.shell);
  if (text.empty()) {
    const std::string shell = read.shell.empty() ? "" : " " + redact(read.shell);
    problems.push_back(fmt::format("completion{}: name a shell, one of {}", shell,
                                   fmt::join(completion_shells(), ", ")));
  }
  if (!problems.empty()) return Problems{std::move(problems), {}};
  return Usage{std::move(text)};
}

void take(Source source, Source& all) {
  all.settings.add_missing(source.settings);
  std::move(source.problems.begin(), source.problems.end(), std::back_inserter(all.problems));
  std::move(source.warnings.begin(), source.warnings.end(), std::back_inserter(all.warnings));
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& arguments,
                               const Environment& environment, ReadWhen when) {
  Arguments read = read_arguments(arguments);
  if (read.help) return Usage{help_text()};
  if (read.version) return Usage{fmt::format("culvert {}\n", kVersion)};
  // The flags of another command would all be reported; its name is enough.
  if (std::string problem = command_problem(read.command); !problem.empty()) {
    return Problems{{std::move(problem)}, {}};
  }

  if (read.command == kMan || read.command == kCompletion) return print_text(std::move(read));
  if (read.command == kCheck && read.questions.empty()) {
    return Problems{{"check: there is culvert check --route URL... so far, which says which route "
                     "a URL takes; walking that way comes later"},
                    {}};
  }

  Source all = std::move(read.source);
  take(read_environment(environment), all);
  for (const Given& given : all.settings.of("config")) {
    take(read_config_file(given.value, when), all);
  }
  Config config = build_config(all.settings, when, all.problems);
  std::vector<HostPort> targets = parse_check_targets(read.questions, all.problems);
  if (!all.problems.empty()) {
    return Problems{std::move(all.problems), std::move(config.upstreams)};
  }
  config.warnings.insert(config.warnings.begin(), all.warnings.begin(), all.warnings.end());
  if (read.command == kCheck) return RouteQuestion{std::move(config), std::move(targets)};
  return config;
}

}  // namespace culvert
