#include "options/completions.h"

#include <array>
#include <vector>

#include <fmt/format.h>

#include "options/command_table.h"
#include "options/flags.h"
#include "options/help.h"

namespace culvert {
namespace {

/// `text` with a backslash before each of `special`.
std::string escape(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

/// In single quotes, for bash and zsh.
std::string quote(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string join(const std::vector<std::string_view>& words) {
  std::string joined;
  for (const std::string_view word : words) {
    joined.append(joined.empty() ? "" : " ").append(word);
  }
  return joined;
}

bool takes_file(const Flag& flag) { return flag.placeholder == "FILE"; }

std::string command_names() {
  std::vector<std::string_view> names;
  names.reserve(kCommands.size());
  for (const Command& command : kCommands) names.push_back(command.name);
  return join(names);
}

constexpr std::string_view kHelpAndVersion = "--help --version";

// ---- bash

std::string bash() {
  std::string names;
  std::string values;       // a line for each flag of whose value something is known
  std::string free_values;  // the other flags that take one
  for (const Flag& flag : flags()) {
    names += fmt::format("--{} ", flag.name);
    if (flag.placeholder.empty()) continue;
    const std::string words = join(keywords(flag.value));
    if (takes_file(flag)) {
      // Directories get a '/' from compopt, which fails outside of a completion.
      values += fmt::format(
          "    --{}) compopt -o filenames 2> /dev/null; COMPREPLY=($(compgen -f -W '{}' -- "
          "\"$word\")); return ;;\n",
          flag.name, words);
    } else if (!words.empty()) {
      values += fmt::format("    --{}) COMPREPLY=($(compgen -W '{}' -- \"$word\")); return ;;\n",
                            flag.name, words);
    } else {
      free_values += fmt::format("{}--{}", free_values.empty() ? "" : " | ", flag.name);
    }
  }
  return fmt::format(R"(# bash completion for culvert
_culvert() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}}
  # The '=' of --flag=value is a word of its own.
  if [[ $word == = ]]; then
    word=
  elif [[ $before == = ]]; then
    before=${{COMP_WORDS[COMP_CWORD - 2]}}
  fi
  COMPREPLY=()
  case $before in
{}    {}) return ;;
    completion) COMPREPLY=($(compgen -W '{}' -- "$word")); return ;;
  esac
  local words='{}{}'
  [[ $COMP_CWORD -gt 1 ]] || words+=' {}'
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -F _culvert culvert
)",
                     values, free_values, join(completion_shells()), names, kHelpAndVersion,
                     command_names());
}

// ---- zsh

std::string zsh() {
  std::string entries;
  const auto add = [&](const std::string& entry) {
    entries += fmt::format(" \\\n    {}", quote(entry));
  };
  for (const Flag& flag : flags()) {
    const std::string help = escape(summary_of(flag), "[]\\:");
    std::string entry = fmt::format("{}--{}{}[{}]", flag.repeatable ? "*" : "", flag.name,
                                    flag.placeholder.empty() ? "" : "=", help);
    if (!flag.placeholder.empty()) {
      const std::string words = join(keywords(flag.value));
      const std::string action = takes_file(flag) ? "_files"
                                 : words.empty()  ? " "
                                                  : fmt::format("({})", words);
      entry += fmt::format(":{}:{}", escape(flag.placeholder, "\\:"), action);
    }
    add(entry);
  }
  add("(- *)--help[print help]");
  add("(- *)--version[print the version]");
  add(fmt::format("1:command:({})", command_names()));
  add(fmt::format("2:shell:({})", join(completion_shells())));
  return fmt::format(R"(#compdef culvert
# zsh completion for culvert
_culvert() {{
  _arguments{}
}}
# Sourced, it announces itself; found in $fpath, it is called.
if [[ $funcstack[1] == _culvert ]]; then
  _culvert "$@"
else
  compdef _culvert culvert
fi
)",
                     entries);
}

// ---- fish

std::string fish() {
  const auto quoted = [](std::string_view text) {
    return fmt::format("'{}'", escape(text, "\\'"));
  };
  std::string script = "# fish completion for culvert\ncomplete -c culvert -f\n";
  for (const Command& command : kCommands) {
    script += fmt::format("complete -c culvert -n __fish_use_subcommand -a {} -d {}\n",
                          command.name, quoted(command.help));
  }
  script += fmt::format("complete -c culvert -n '__fish_seen_subcommand_from completion' -a '{}'\n",
                        join(completion_shells()));
  for (const Flag& flag : flags()) {
    script += fmt::format("complete -c culvert -l {}", flag.name);
    if (takes_file(flag)) {
      script += " -r -F";
    } else if (!flag.placeholder.empty()) {
      script += " -x";
    }
    if (const std::string words = join(keywords(flag.value)); !words.empty()) {
      script += fmt::format(" -a {}", quoted(words));
    }
    script += fmt::format(" -d {}\n", quoted(summary_of(flag)));
  }
  script +=
      "complete -c culvert -l help -s h -d 'print help'\n"
      "complete -c culvert -l version -d 'print the version'\n";
  return script;
}

struct Shell {
  std::string_view name;
  std::string (*script)();
};
constexpr std::array<Shell, 3> kShells = {{{"bash", bash}, {"zsh", zsh}, {"fish", fish}}};

}  // namespace

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
