#include "options/arguments.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/redact.h"
#include "base/text.h"
#include "options/flags.h"

namespace culvert {
namespace {

/// CLI11 would stop at the first problem.  So every option takes any text, also none, any number of
/// times; unknown arguments are left over; and all of it is checked here.
void add_option(CLI::App& app, const std::string& names, bool is_switch) {
  app.add_option(names, [](const CLI::results_t&) { return true; })
      ->expected(0, is_switch ? 0 : 1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void take(const CLI::Option& option, const Flag& flag, Arguments& out) {
  const std::string origin = fmt::format("--{}", flag.name);
  if (option.count() > 1 && !flag.repeatable) {
    out.source.problems.push_back(
        fmt::format("{}: given {} times, takes one", origin, option.count()));
  }
  for (const std::string& value : option.results()) {
    if (trim_space(value).empty() && !flag.placeholder.empty()) {
      out.source.problems.push_back(fmt::format("{}: needs a value, {}", origin, flag.placeholder));
    } else if (flag.repeatable) {
      out.source.settings.add_each(flag.name, value, origin, kLineBreak);
    } else {
      out.source.settings.add(flag.name, {value, origin});
    }
  }
}

constexpr std::string_view kShortHelp = "-h";

/// Looked for here, as CLI11 would read "-hold" as "-h old".
bool requests_help(const std::vector<std::string>& arguments) {
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  return std::find(arguments.begin(), end, kShortHelp) != end;
}

bool is_flag(std::string_view text) { return text.size() > 1 && text.front() == '-'; }

std::string unknown_flag_problem(std::string_view text) {
  const std::string_view written = text.substr(0, text.find('='));
  std::string_view name = written;
  name.remove_prefix(std::min(name.find_first_not_of('-'), name.size()));
  std::string problem = fmt::format("{}: unknown flag", redact(written));
  if (const std::string_view nearest = nearest_flag(name); !nearest.empty()) {
    problem += fmt::format(" (did you mean --{}?)", nearest);
  }
  return problem;
}

/// What CLI11 did not recognize: unknown flags, each perhaps followed by its value, and strays.
void judge_leftovers(const std::vector<std::string>& leftovers,
                     const std::vector<std::string>& arguments, Arguments& out) {
  const std::string* unknown_flag = nullptr;
  for (const std::string& text : leftovers) {
    if (is_flag(text)) {
      out.source.problems.push_back(unknown_flag_problem(text));
      unknown_flag = &text;
      continue;
    }
    const auto stands_behind = [&](const std::string& flag) {
      const auto found = std::find(arguments.begin(), arguments.end(), flag);
      return found != arguments.end() && found + 1 != arguments.end() && *(found + 1) == text;
    };
    if (unknown_flag == nullptr || !stands_behind(*unknown_flag)) {
      out.source.problems.push_back(fmt::format("{}: unexpected argument", redact(text)));
    }
    unknown_flag = nullptr;
  }
}

/// A route has a '=' after its patterns, and no pattern is a URL; anything else is a URL to check.
bool is_question(std::string_view value) {
  return !is_flag(value) &&
         (value.find('=') == std::string_view::npos || value.find("://") != std::string_view::npos);
}

/// `check --route URL...`: takes the URLs out of `rest`.  Routes follow the same flag.
std::vector<std::string> take_questions(std::vector<std::string>& rest) {
  constexpr std::string_view kFlag = "--route";
  std::vector<std::string> questions;
  std::vector<std::string> others;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const std::string_view text = rest[i];
    if (text.starts_with("--route=") && is_question(text.substr(kFlag.size() + 1))) {
      questions.emplace_back(text.substr(kFlag.size() + 1));
    } else if (text != kFlag || i + 1 == rest.size() || !is_question(rest[i + 1])) {
      others.push_back(rest[i]);
      continue;
    }
    while (i + 1 < rest.size() && is_question(rest[i + 1])) questions.push_back(rest[++i]);
  }
  rest = std::move(others);
  return questions;
}

/// `completion SHELL`: takes the shell out of `rest`; empty if there is none.
std::string take_shell(std::vector<std::string>& rest) {
  if (rest.empty() || is_flag(rest.front())) return {};
  std::string shell = std::move(rest.front());
  rest.erase(rest.begin());
  return shell;
}

}  // namespace

Arguments read_arguments(const std::vector<std::string>& arguments) {
  Arguments out;
  out.command = "serve";
  std::vector<std::string> rest = arguments;
  if (!rest.empty() && !rest.front().empty() && rest.front().front() != '-') {
    out.command = rest.front();
    rest.erase(rest.begin());
  }

  if (out.command == "check") out.questions = take_questions(rest);
  if (out.command == "completion") out.shell = take_shell(rest);

  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  add_option(app, "--help", true);
  add_option(app, "--version", true);
  for (const Flag& flag : flags()) {
    add_option(app, fmt::format("--{}", flag.name), flag.placeholder.empty());
  }
  try {
    app.parse(std::vector<std::string>(rest.rbegin(), rest.rend()));  // it expects them in reverse
  } catch (const CLI::Error& error) {
    out.source.problems.emplace_back(error.what());
    return out;
  }

  out.help = app.count("--help") > 0 || requests_help(rest);
  out.version = app.count("--version") > 0;
  std::vector<std::string> leftovers = app.remaining();
  std::erase(leftovers, kShortHelp);
  judge_leftovers(leftovers, rest, out);
  for (const Flag& flag : flags()) {
    const CLI::Option& option = *app.get_option(fmt::format("--{}", flag.name));
    take(option, flag, out);
  }
  return out;
}

}  // namespace culvert
