#include <fmt/format.h>

#include "options/completion_scripts.h"

namespace culvert {
namespace {

constexpr std::string_view kBashScript = R"(# bash completion for culvert
_culvert() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=serve at
  COMPREPLY=()
  if [[ $COMP_CWORD -gt 1 ]]; then
    case ${COMP_WORDS[1]} in
      @commands@) command=${COMP_WORDS[1]} ;;
    esac
  fi
  if [[ $command == run ]]; then
    # The program begins behind --, or at the first word that is neither an option nor its value.
    for ((at = 2; at < COMP_CWORD; ++at)); do
      case ${COMP_WORDS[at]} in
        --) ((++at)); break ;;
        @valued@) [[ ${COMP_WORDS[++at]} != = ]] || ((++at)) ;;
        -*) ;;
        *) break ;;
      esac
    done
    if ((at < COMP_CWORD)) || [[ $before == -- || ($at -eq $COMP_CWORD && $word == [!-=]*) ]]; then
      if declare -F _command_offset > /dev/null; then
        _command_offset "$at"
      elif ((at == COMP_CWORD)); then
        COMPREPLY=($(compgen -c -- "$word"))
      else
        compopt -o default 2> /dev/null
      fi
      return
    fi
  fi
  # The '=' of --flag=value is a word of its own.
  if [[ $word == = ]]; then
    word=
  elif [[ $before == = ]]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case $before in
@values@    @free_values@) return ;;
  esac
  local words
  case $command in
@words@  esac
  words+=' --help --version'
  [[ $COMP_CWORD -gt 1 ]] || words+=' @command_names@'
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _culvert culvert
)";

/// A line of the `case` for a flag of whose value something is known; empty for others.
std::string value_case(const CompletedFlag& flag) {
  const auto line = [&](std::string_view action) {
    return fmt::format("    --{}) {}; return ;;\n", flag.name, action);
  };
  // Directories get a '/' from compopt, which fails outside of a completion.
  const std::string_view names = "compopt -o filenames 2> /dev/null; COMPREPLY=($(compgen ";
  if (flag.takes_folder()) return line(fmt::format("{}-d -- \"$word\"))", names));
  if (flag.takes_file())
    return line(fmt::format("{}-f -W '{}' -- \"$word\"))", names, flag.values));
  if (flag.values.empty()) return {};
  return line(fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$word\"))", flag.values));
}

/// What stands behind the command: its flags, and words it knows.
std::string words_of(const Command& command) {
  std::string words;
  for (const CompletedFlag& flag : completed_flags(command))
    words += fmt::format("--{} ", flag.name);
  if (command.name == "setup") words += target_names();
  if (command.name == "completion") words += shell_names();
  return words;
}

}  // namespace

std::string bash_completion() {
  std::string values;
  std::string free_values;  // flags that take one of which nothing is known
  std::string valued;       // flags that take any
  const auto append = [](std::string& to, std::string_view name) {
    to += fmt::format("{}--{}", to.empty() ? "" : " | ", name);
  };
  for (const CompletedFlag& flag : all_completed_flags()) {
    if (!flag.takes_value()) continue;
    append(valued, flag.name);
    const std::string known = value_case(flag);
    values += known;
    if (known.empty()) append(free_values, flag.name);
  }
  std::string words;
  for (const Command& command : kCommands) {
    words += fmt::format("    {}) words='{}' ;;\n", command.name, words_of(command));
  }
  return fill_in(kBashScript, {{"commands", command_names(" | ")},
                               {"valued", valued},
                               {"values", values},
                               {"free_values", free_values},
                               {"words", words},
                               {"command_names", command_names()}});
}

}  // namespace culvert
