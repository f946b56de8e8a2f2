#include <fmt/format.h>

#include "options/completion_scripts.h"

namespace culvert {
namespace {

constexpr std::string_view kFishScript = R"(# fish completion for culvert
function __culvert_command
  set -l words (commandline -opc)
  contains -- "$words[2]" @commands@; and echo $words[2]; or echo serve
end
function __culvert_is_first
  test (count (commandline -opc)) -eq 1
end
# How many of the words before the cursor stand before the program of run; fails if that has not begun.
function __culvert_words_before_program
  set -l words (commandline -opc)
  set -l at 3
  while test $at -le (count $words)
    switch $words[$at]
      case --
        echo $at
        return 0
      case @valued@
        set at (math $at + 2)
      case '-*'
        set at (math $at + 1)
      case '*'
        math $at - 1
        return 0
    end
  end
  echo (count $words)
  return 1
end
function __culvert_has_program
  test (__culvert_command) = run; and __culvert_words_before_program > /dev/null
end
function __culvert_complete_program
  set -l words (commandline -opc)
  set -e words[1..(__culvert_words_before_program)]
  set -l line (string join ' ' -- (string escape -- $words) (commandline -ct))
  complete "--do-complete=$line"
end
function __culvert_reads
  contains -- (__culvert_command) $argv; and not __culvert_has_program
end
complete -c culvert -f
@rows@complete -c culvert -n '__culvert_reads completion' -a '@shells@'
complete -c culvert -n 'test (__culvert_command) = run' -a '(__culvert_complete_program)'
complete -c culvert -n 'not __culvert_has_program' -l help -s h -d 'print help'
complete -c culvert -n 'not __culvert_has_program' -l version -d 'print the version'
)";

std::string in_fish_quotes(std::string_view text) {
  return fmt::format("'{}'", escape_each(text, "\\'"));
}

std::string row_of(const CompletedFlag& flag, std::string_view commands) {
  std::string row =
      fmt::format("complete -c culvert -n '__culvert_reads{}' -l {}", commands, flag.name);
  if (flag.takes_file()) {
    row += " -r -F";
  } else if (flag.takes_folder()) {
    row += " -x -a '(__fish_complete_directories)'";
  } else if (flag.takes_value()) {
    row += " -x";
  }
  if (!flag.values.empty()) row += fmt::format(" -a {}", in_fish_quotes(flag.values));
  return row + fmt::format(" -d {}\n", in_fish_quotes(flag.summary));
}

/// One for each flag of the proxy, with all commands that read it, and each flag of a command.
std::string rows_of_flags() {
  const Command& serve = kCommands.front();
  std::string rows;
  for (const CompletedFlag& flag : completed_flags(serve)) {
    std::string readers;
    for (const Command& command : kCommands) {
      const bool replaces = find_command_flag(command.name, flag.name) != nullptr;
      if (command.takes_flags && !replaces) readers.append(" ").append(command.name);
    }
    rows += row_of(flag, readers);
  }
  for (const Command& command : kCommands) {
    for (const CompletedFlag& flag : completed_flags(command)) {
      if (find_command_flag(command.name, flag.name) == nullptr) continue;
      rows += row_of(flag, fmt::format(" {}", command.name));
    }
  }
  return rows;
}

}  // namespace

std::string fish_completion() {
  std::string valued;
  for (const CompletedFlag& flag : all_completed_flags()) {
    if (flag.takes_value()) valued += fmt::format("{}--{}", valued.empty() ? "" : " ", flag.name);
  }
  std::string rows;
  for (const Command& command : kCommands) {
    rows += fmt::format("complete -c culvert -n __culvert_is_first -a {} -d {}\n", command.name,
                        in_fish_quotes(command.help));
  }
  for (const SetupTarget& target : kSetupTargets) {
    rows += fmt::format("complete -c culvert -n '__culvert_reads setup' -a {} -d {}\n", target.name,
                        in_fish_quotes(target.help));
  }
  rows += rows_of_flags();
  return fill_in(kFishScript, {{"commands", command_names()},
                               {"valued", valued},
                               {"rows", rows},
                               {"shells", shell_names()}});
}

}  // namespace culvert
