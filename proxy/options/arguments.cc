#include "options/arguments.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/redact.h"
#include "base/text.h"
#include "options/command_table.h"
#include "options/flag_split.h"
#include "options/nearest.h"

namespace culvert {
namespace {

/// The values of a flag that was given, or what is wrong with them.
void take(const std::vector<std::string>& values, const ReadFlag& flag, Arguments& out) {
  if (values.empty()) return;
  const std::string origin = fmt::format("--{}", flag.name);
  if (flag.owner == ReadFlag::Owner::others) {
    out.source.problems.push_back(
        fmt::format("{}: an option of {}", origin, commands_with_flag(flag.name)));
    return;
  }
  if (values.size() > 1 && !flag.repeatable) {
    out.source.problems.push_back(
        fmt::format("{}: given {} times, takes one", origin, values.size()));
  }
  Settings& settings = flag.owner == ReadFlag::Owner::command ? out.own : out.source.settings;
  for (const std::string& value : values) {
    if (trim_space(value).empty() && !flag.placeholder.empty()) {
      out.source.problems.push_back(fmt::format("{}: needs a value, {}", origin, flag.placeholder));
    } else {
      settings.add_given(flag, value, origin, kLineBreak);
    }
  }
}

constexpr std::string_view kShortHelp = "-h";
constexpr std::string_view kEndOfFlags = "--";  // what follows is words

std::string_view nearest_flag_of(const std::vector<ReadFlag>& flags, std::string_view name) {
  std::vector<std::string_view> known = {"help", "version"};
  for (const ReadFlag& flag : flags) {
    if (flag.owner != ReadFlag::Owner::others) known.push_back(flag.name);
  }
  return nearest(name, known);
}

std::string unknown_flag_problem(std::string_view text, const std::vector<ReadFlag>& flags) {
  const std::string_view written = text.substr(0, text.find('='));
  std::string_view name = written;
  name.remove_prefix(std::min(name.find_first_not_of('-'), name.size()));
  std::string problem = fmt::format("{}: unknown flag", redact(written));
  if (const std::string_view meant = nearest_flag_of(flags, name); !meant.empty()) {
    problem += fmt::format(" (did you mean --{}?)", meant);
  }
  return problem;
}

/// What is left over: unknown flags, each perhaps followed by its value, and words.
void judge_leftovers(const std::vector<std::string>& leftovers,
                     const std::vector<std::string>& arguments, const std::vector<ReadFlag>& flags,
                     Arguments& out) {
  const std::string* unknown_flag = nullptr;
  for (const std::string& text : leftovers) {
    if (is_flag(text)) {
      out.source.problems.push_back(unknown_flag_problem(text, flags));
      unknown_flag = &text;
      continue;
    }
    const auto stands_behind = [&](const std::string& flag) {
      const auto found = std::find(arguments.begin(), arguments.end(), flag);
      return found != arguments.end() && found + 1 != arguments.end() && *(found + 1) == text;
    };
    if (unknown_flag == nullptr || !stands_behind(*unknown_flag)) out.words.push_back(text);
    unknown_flag = nullptr;
  }
}

/// How many words the command takes.
std::size_t most_words(std::string_view command) {
  if (command == "completion" || command == "man") return 1;
  const Command* known = find_command(command);
  return known != nullptr && known->takes_words ? std::string::npos : 0;
}

void refuse_needless_words(Arguments& out) {
  const std::size_t most = std::min(most_words(out.command), out.words.size());
  for (std::size_t i = most; i < out.words.size(); ++i) {
    const bool is_late = !out.has_command && find_command(out.words[i]) != nullptr;
    out.source.problems.push_back(
        fmt::format("{}: unexpected argument{}", redact(out.words[i]),
                    is_late ? "; a command stands before all options" : ""));
  }
  out.words.resize(most);
}

/// A route has a '=' after its patterns, and no pattern is a URL; anything else is a URL to check.
bool is_question(std::string_view value) {
  return !is_flag(value) &&
         (value.find('=') == std::string_view::npos || value.find("://") < value.find('='));
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

/// `run [options] [--] CMD...`: takes CMD and what stands behind it out of `rest`.
std::vector<std::string> take_program(std::vector<std::string>& rest,
                                      const std::vector<ReadFlag>& flags) {
  const auto takes_value = [&](std::string_view text) {
    return std::any_of(flags.begin(), flags.end(), [&](const ReadFlag& flag) {
      return text.starts_with("--") && text.substr(2) == flag.name && !flag.placeholder.empty();
    });
  };
  std::size_t end = 0;
  while (end < rest.size() && is_flag(rest[end]) && rest[end] != kEndOfFlags) {
    const bool has_value = takes_value(rest[end]) && end + 1 < rest.size();
    end += has_value && is_value(rest[end + 1]) ? std::size_t{2} : std::size_t{1};
  }
  const std::size_t begin = end < rest.size() && rest[end] == kEndOfFlags ? end + 1 : end;
  std::vector<std::string> program(rest.begin() + static_cast<std::ptrdiff_t>(begin), rest.end());
  rest.resize(end);
  return program;
}

/// Takes out of `rest` what stands behind "--", which is words whatever it begins with.
std::vector<std::string> take_plain_words(std::vector<std::string>& rest) {
  const auto mark = std::find(rest.begin(), rest.end(), kEndOfFlags);
  if (mark == rest.end()) return {};
  std::vector<std::string> words(mark + 1, rest.end());
  rest.erase(mark, rest.end());
  return words;
}

}  // namespace

Arguments read_arguments(const std::vector<std::string>& arguments) {
  Arguments out;
  out.command = "serve";
  std::vector<std::string> rest = arguments;
  if (!rest.empty() && !rest.front().empty() && rest.front().front() != '-') {
    out.command = rest.front();
    out.has_command = true;
    rest.erase(rest.begin());
  }

  const std::vector<ReadFlag> flags = flags_as_read_by(out.command);
  if (out.command == "run") out.program = take_program(rest, flags);
  const std::vector<std::string> plain_words = take_plain_words(rest);
  if (out.command == "check") out.questions = take_questions(rest);

  std::vector<ReadFlag> all = flags;
  all.push_back({"help", {}, true, ReadFlag::Owner::command});
  all.push_back({"version", {}, true, ReadFlag::Owner::command});
  FlagSplit split = split_flags(rest, all);
  out.help = std::erase(split.rest, kShortHelp) > 0 || !split.values[flags.size()].empty();
  out.version = !split.values.back().empty();
  judge_leftovers(split.rest, rest, flags, out);
  out.words.insert(out.words.end(), plain_words.begin(), plain_words.end());
  refuse_needless_words(out);
  for (std::size_t i = 0; i < flags.size(); ++i) take(split.values[i], flags[i], out);
  return out;
}

}  // namespace culvert
