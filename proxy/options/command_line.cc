#include "options/command_line.h"

#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/redact.h"
#include "base/text.h"
#include "options/arguments.h"
#include "options/build_check.h"
#include "options/build_config.h"
#include "options/build_setup.h"
#include "options/build_status.h"
#include "options/check_target.h"
#include "options/command_table.h"
#include "options/completions.h"
#include "options/config_file.h"
#include "options/credential_file.h"
#include "options/flags.h"
#include "options/given_options.h"
#include "options/help.h"
#include "options/man_page.h"
#include "options/nearest.h"
#include "options/run_defaults.h"
#include "options/values.h"

#ifndef CULVERT_VERSION
#define CULVERT_VERSION "dev"
#endif

namespace culvert {
namespace {

constexpr std::string_view kVersion = CULVERT_VERSION;
constexpr std::string_view kCheck = "check";
constexpr std::string_view kMan = "man";
constexpr std::string_view kCompletion = "completion";
constexpr std::string_view kRun = "run";
constexpr std::string_view kSetup = "setup";
constexpr std::string_view kStatus = "status";

/// Empty if there is such a command.
std::string command_problem(std::string_view command) {
  if (find_command(command) != nullptr) return {};
  if (command.find("://") != std::string_view::npos) {
    return fmt::format("{}: write --upstream before the URL of a proxy", redact(command));
  }
  std::string meant(nearest(command, names_of_commands()));
  if (const auto flag = nearest_flag(command); meant.empty() && !flag.empty()) {
    meant = fmt::format("--{}", flag);
  }
  if (!meant.empty()) {
    return fmt::format("{}: unknown command (did you mean {}?)", redact(command), meant);
  }
  return fmt::format("{}: unknown command (serve is the default; see culvert --help)",
                     redact(command));
}

/// `culvert man` and `culvert completion SHELL`, which have no options.
CommandLine print_text(Arguments read) {
  std::vector<std::string> problems = std::move(read.source.problems);
  if (!read.source.settings.empty() || !read.own.empty()) {
    problems.push_back(fmt::format("{}: takes no options", read.command));
  }
  const std::string shell = read.words.empty() ? std::string() : read.words.front();
  const bool is_man = read.command == kMan;
  std::string text = !is_man              ? completions(shell)
                     : shell == kFilePage ? file_man_page(kVersion)
                                          : man_page(kVersion);
  if (is_man && !shell.empty() && shell != kFilePage) {
    problems.push_back(fmt::format("man {}: no such page; there is {}, and one without a name",
                                   redact(shell), kFilePage));
  }
  if (text.empty()) {
    const std::string given = shell.empty() ? "" : " " + redact(shell);
    const std::string_view meant = nearest(shell, completion_shells());
    problems.push_back(meant.empty() ? fmt::format("completion{}: name a shell, one of {}", given,
                                                   fmt::join(completion_shells(), ", "))
                                     : fmt::format("completion{}: no such shell (did you mean {}?)",
                                                   given, meant));
  }
  if (!problems.empty()) return Problems{std::move(problems), {}};
  return Usage{std::move(text)};
}

void take(Source source, Source& all) {
  all.settings.add_missing(source.settings);
  std::move(source.problems.begin(), source.problems.end(), std::back_inserter(all.problems));
  std::move(source.warnings.begin(), source.warnings.end(), std::back_inserter(all.warnings));
}

/// Added after the arguments, or after all other sources.
Settings defaults_of_run(bool by_arguments_only) {
  Settings settings;
  for (const RunDefault& row : kRunDefaults) {
    if (row.by_arguments_only != by_arguments_only) continue;
    settings.add(row.flag, {std::string(row.value), "run"});
  }
  return settings;
}

/// `setup`, whose flags for the service are judged as `serve` will do; where that is on another
/// machine, by `setup` itself, which knows where its files are.
CommandLine read_setup(Arguments read, ReadWhen when) {
  std::vector<std::string> problems = std::move(read.source.problems);
  SetupOptions options = build_setup(read.own, read.source.settings, read.words, problems);
  if (options.is_elsewhere()) {
    if (problems.empty()) return options;
    return Problems{std::move(problems), {}};
  }
  if (options.has(kSystemdTarget)) {
    for (const Given& given : read.own.of("listen")) read.source.settings.add("listen", given);
  }
  // systemd makes its folder for the service: whether this process can write there says nothing.
  read.source.settings.drop("access-log");
  Config config = build_config(read.source.settings, when, problems);
  if (!problems.empty()) return Problems{std::move(problems), std::move(config.upstreams)};
  return options;
}

CommandLine read_status(Arguments read) {
  std::vector<std::string> problems = std::move(read.source.problems);
  StatusOptions options = build_status(read.own, read.source.settings, problems);
  if (!problems.empty()) return Problems{std::move(problems), {}};
  return options;
}

/// `check --route URL...`, which walks nowhere.
CommandLine ask_for_routes(const Arguments& read, Config config,
                           std::vector<std::string> problems) {
  std::vector<HostPort> targets = parse_check_targets(read.questions, problems);
  for (const std::string& word : read.words) {
    problems.push_back(
        fmt::format("{}: unexpected argument beside --route URL, which asks for the route alone",
                    redact(word)));
  }
  for (const std::string_view flag : {"json", "pid", "timeout"}) {
    if (read.own.has(flag)) {
      problems.push_back(fmt::format("--{}: has no meaning beside --route URL", flag));
    }
  }
  if (!problems.empty()) return Problems{std::move(problems), std::move(config.upstreams)};
  return RouteQuestion{std::move(config), std::move(targets)};
}

/// Whether a switch of the command is given, and on.
bool is_on(const Settings& own, std::string_view name, std::vector<std::string>& problems) {
  bool on = false;
  for (const Given& given : own.of(name)) {
    const Parsed<bool> parsed = parse_switch(given.value);
    if (const auto* problem = std::get_if<std::string>(&parsed)) {
      problems.push_back(fmt::format("{} {}: {}", given.origin, redact(given.value), *problem));
    } else {
      on = std::get<bool>(parsed);
    }
  }
  return on;
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& arguments,
                               const Environment& environment, ReadWhen when) {
  Arguments read = read_arguments(arguments);
  if (read.help) {
    const Command* command = read.has_command ? find_command(read.command) : nullptr;
    return Usage{command == nullptr ? help_text() : help_on_command(*command)};
  }
  if (read.version) return Usage{fmt::format("culvert {}\n", kVersion), true};
  // The flags of another command would all be reported; its name is enough.
  if (std::string problem = command_problem(read.command); !problem.empty()) {
    return Problems{{std::move(problem)}, {}};
  }

  if (read.command == kMan || read.command == kCompletion) return print_text(std::move(read));
  if (read.command == kSetup) return read_setup(std::move(read), when);
  if (read.command == kStatus) return read_status(std::move(read));

  const bool runs = read.command == kRun;
  const std::string typed = given_options(read, "timeout");
  Source all = std::move(read.source);
  if (runs) all.settings.add_missing(defaults_of_run(true));
  if (runs && all.settings.has("auth-file")) {
    all.problems.emplace_back(
        "--auth-file: the program of run gets a proxy of its own, without a sign-in; leave it out");
  }
  const std::vector<Given> typed_admin = all.settings.of("admin");
  take(read_environment(environment), all);
  for (const Given& given : all.settings.of("config")) {
    const NamedFile named = named_file(given.value);
    if (named.problem.empty()) {
      take(read_config_file(named.path, given.origin, when), all);
    } else {
      all.problems.push_back(
          concat({given.origin, " ", printable(given.value), ": ", named.problem}));
    }
  }
  if (runs) all.settings.add_missing(defaults_of_run(false));
  // That of a variable or file is often a service's.
  if (runs) all.settings.drop("auth-file");
  if (runs) {
    all.settings.drop("admin");
    for (const Given& given : typed_admin) all.settings.add("admin", given);
  }
  if (runs && read.program.empty()) {
    all.problems.emplace_back(
        "run: the command is missing, as in culvert run -- curl https://gcr.io/");
  }
  Config config = build_config(all.settings, when, all.problems);
  for (const Given& given : all.settings.of("config")) config.file = named_file(given.value).path;
  config.warnings.insert(config.warnings.begin(), all.warnings.begin(), all.warnings.end());
  if (!read.questions.empty()) {
    return ask_for_routes(read, std::move(config), std::move(all.problems));
  }
  CheckOptions check = build_check(read.own, read.words, all.problems);
  check.given = typed;
  check.given_timeout = given_option(read, "timeout");
  const bool checks = is_on(read.own, "check-config", all.problems);
  const bool explains = is_on(read.own, "explain-config", all.problems);
  const bool prints = is_on(read.own, "print-config", all.problems) || explains;
  if (!all.problems.empty()) {
    return Problems{std::move(all.problems), std::move(config.upstreams), std::move(config.listen)};
  }
  if (runs) return RunOptions{std::move(config), std::move(read.program)};
  if (checks || prints) {
    return ConfigQuestion{std::move(config), std::move(all.settings), checks, prints, explains};
  }
  if (read.command != kCheck) return config;
  check.config = std::move(config);
  return check;
}

}  // namespace culvert
