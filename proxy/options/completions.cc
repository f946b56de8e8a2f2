#include "options/completions.h"

#include <algorithm>
#include <array>
#include <vector>

#include "options/completion_scripts.h"
#include "options/flags.h"
#include "options/help.h"

namespace culvert {
namespace {

std::string joined(const std::vector<std::string_view>& words, std::string_view separator = " ") {
  std::string text;
  for (const std::string_view word : words) {
    text.append(text.empty() ? "" : separator).append(word);
  }
  return text;
}

struct Shell {
  std::string_view name;
  std::string (*script)();
};
constexpr std::array<Shell, 3> kShells = {
    {{"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}}};

CompletedFlag completed(const CommandFlag& flag) {
  return {flag.name, flag.placeholder, flag.repeatable, summary_of(flag), {}};
}

CompletedFlag completed(const Flag& flag) {
  return {flag.name, flag.placeholder, flag.repeatable, summary_of(flag),
          joined(keywords(flag.value))};
}

/// Adds the flags of the proxy whose names are not there yet.
void add_proxy_flags(std::vector<CompletedFlag>& out) {
  for (const Flag& flag : flags()) {
    const auto same = [&](const CompletedFlag& other) { return other.name == flag.name; };
    if (std::none_of(out.begin(), out.end(), same)) out.push_back(completed(flag));
  }
}

}  // namespace

std::vector<CompletedFlag> completed_flags(const Command& command) {
  std::vector<CompletedFlag> out;
  for (const CommandFlag& flag : kCommandFlags) {
    if (flag.command == command.name) out.push_back(completed(flag));
  }
  if (command.takes_flags) add_proxy_flags(out);
  return out;
}

std::vector<CompletedFlag> all_completed_flags() {
  std::vector<CompletedFlag> out;
  add_proxy_flags(out);
  for (const CommandFlag& flag : kCommandFlags) {
    const auto same = [&](const CompletedFlag& other) { return other.name == flag.name; };
    if (std::none_of(out.begin(), out.end(), same)) out.push_back(completed(flag));
  }
  return out;
}

std::string command_names(std::string_view separator) {
  return joined(names_of_commands(), separator);
}
std::string target_names() { return joined(names_of_targets()); }
std::string shell_names() { return joined(completion_shells()); }

std::string escape_each(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string fill_in(std::string_view script, const std::vector<Blank>& blanks) {
  std::string text(script);
  for (const Blank& blank : blanks) {
    const std::string mark = "@" + std::string(blank.name) + "@";
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos;) {
      text.replace(at, mark.size(), blank.text);
      at += blank.text.size();
    }
  }
  return text;
}

std::vector<std::string_view> completion_shells() {
  std::vector<std::string_view> names;
  names.reserve(kShells.size());
  for (const Shell& shell : kShells) names.push_back(shell.name);
  return names;
}

std::string completions(std::string_view shell) {
  for (const Shell& known : kShells) {
    if (known.name == shell) return known.script();
  }
  return {};
}

}  // namespace culvert
