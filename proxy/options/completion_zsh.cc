#include <fmt/format.h>

#include "options/completion_scripts.h"

namespace culvert {
namespace {

constexpr std::string_view kZshScript = R"(#compdef culvert
# zsh completion for culvert
_culvert() {
  local command=serve
  local -a first
  if (( CURRENT > 2 )) && [[ $words[2] == (@commands@) ]]; then
    command=$words[2]
    shift words
    (( --CURRENT ))
  else
    first=(@first@)
  fi
  case $command in
@cases@  esac
}
# Sourced, it announces itself; found in $fpath, it is called.
if [[ $funcstack[1] == _culvert ]]; then
  _culvert "$@"
else
  compdef _culvert culvert
fi
)";

std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string spec_of(const CompletedFlag& flag) {
  std::string spec = fmt::format("{}--{}{}[{}]", flag.repeatable ? "*" : "", flag.name,
                                 flag.takes_value() ? "=" : "", escape_each(flag.summary, "[]\\:"));
  if (!flag.takes_value()) return spec;
  const std::string action = flag.takes_file()     ? "_files"
                             : flag.takes_folder() ? "_files -/"
                             : flag.values.empty() ? " "
                                                   : fmt::format("({})", flag.values);
  return fmt::format("{}:{}:{}", spec, escape_each(flag.placeholder, "\\:"), action);
}

/// "((name\:help ...))", which lists each name with its help.
template <typename Row, std::size_t Size>
std::string described(const std::array<Row, Size>& rows) {
  std::string text = "((";
  for (const Row& row : rows) {
    text += fmt::format("{}\\:\"{}\" ", row.name, escape_each(row.help, "\"\\:"));
  }
  text.back() = ')';
  return text + ")";
}

std::string case_of(const Command& command) {
  std::string specs;
  const auto add = [&](const std::string& spec) {
    specs += fmt::format(" \\\n        {}", in_quotes(spec));
  };
  for (const CompletedFlag& flag : completed_flags(command)) add(spec_of(flag));
  add("(- *)--help[print help]");
  add("(- *)--version[print the version]");
  if (command.name == "check") add("*:URL or image:_hosts");
  if (command.name == "setup") add("*:target:" + described(kSetupTargets));
  if (command.name == "completion") add(fmt::format("1:shell:({})", shell_names()));
  if (command.name == "run") {
    add("(-)1:program: _command_names -e");
    add("*::argument: _normal");
  }
  return fmt::format("    {})\n      _arguments -S{} $first ;;\n", command.name, specs);
}

}  // namespace

std::string zsh_completion() {
  std::string cases;
  for (const Command& command : kCommands) cases += case_of(command);
  return fill_in(kZshScript, {{"commands", command_names("|")},
                              {"first", in_quotes("1:command:" + described(kCommands))},
                              {"cases", cases}});
}

}  // namespace culvert
