#include "options/completions.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "options/command_table.h"
#include "options/completion_scripts.h"
#include "options/flags.h"
#include "support/catch.h"

using namespace culvert;

namespace {

bool has(const std::string& script, const std::string& text) {
  return script.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("every flag and command is completed in every shell") {
  for (const std::string_view shell : completion_shells()) {
    const std::string script = completions(shell);
    for (const Flag& flag : flags()) {
      INFO(shell << " " << flag.name);
      CHECK(has(script, (shell == "fish" ? "-l " : "--") + std::string(flag.name)));
    }
    for (const Command& command : kCommands) CHECK(has(script, std::string(command.name)));
    for (const CommandFlag& flag : kCommandFlags) {
      INFO(shell << " " << flag.name);
      CHECK(has(script, (shell == "fish" ? "-l " : "--") + std::string(flag.name)));
    }
    for (const SetupTarget& target : kSetupTargets) CHECK(has(script, std::string(target.name)));
    CHECK_FALSE(has(script, "@commands@"));
  }
  CHECK(completions("tcsh").empty());
  CHECK(completions("").empty());
}

TEST_CASE("each command completes the flags that it reads") {
  const auto has_flag = [](std::string_view command, std::string_view name) {
    const auto all = completed_flags(*find_command(command));
    return std::count_if(all.begin(), all.end(),
                         [&](const CompletedFlag& flag) { return flag.name == name; });
  };
  CHECK(has_flag("setup", "listen") == 1);
  CHECK(has_flag("setup", "root") == 1);
  CHECK(has_flag("run", "hold") == 1);
  CHECK(has_flag("run", "root") == 0);
  CHECK(completed_flags(*find_command("man")).empty());
  std::set<std::string_view> names;
  for (const Flag& flag : flags()) names.insert(flag.name);
  for (const CommandFlag& flag : kCommandFlags) names.insert(flag.name);
  CHECK(all_completed_flags().size() == names.size());
}

TEST_CASE("blanks of a script are filled in wherever they stand") {
  CHECK(fill_in("a @x@ b @y@ @x@ \"$@\"", {{"x", "@y@"}, {"y", ""}}) == "a  b   \"$@\"");
}

TEST_CASE("completions for bash") {
  const std::string script = completions("bash");
  CHECK(script.ends_with("\ncomplete -F _culvert culvert\n"));
  CHECK(has(script, "--log-level) COMPREPLY=($(compgen -W 'debug info warning error' "));
  CHECK(has(script, "--config) compopt -o filenames"));
  CHECK(has(script, "--listen | --allow-client | "));
  CHECK(has(script, "--root) compopt -o filenames 2> /dev/null; COMPREPLY=($(compgen -d "));
  CHECK(has(script, "    check) words='--json --pid --timeout --listen "));
  CHECK(has(script, "    man) words='' ;;"));
  CHECK(has(script, "    completion) words='bash zsh fish' ;;"));
}

TEST_CASE("completions for zsh") {
  const std::string script = completions("zsh");
  CHECK(script.starts_with("#compdef culvert\n"));
  CHECK(has(script, "'*--listen=[where clients connect]:ADDR\\:PORT: '"));
  CHECK(has(script, "'--open-proxy[let any client that can connect use the proxy]'"));
  CHECK(has(script, ":LEVEL:(debug info warning error)'"));
  CHECK(has(script, ":FILE:_files'"));
  CHECK(has(script, ":DIR:_files -/'"));
  CHECK(has(script, "'*:target:((docker\\:\"dockerd, for pulls and pushes\" "));
  CHECK(has(script, "'(-)1:program: _command_names -e'"));
  // Quotes and brackets of a text do not end it.
  CHECK(has(script, "a client'\\''s request head"));
  CHECK(has(script, "listen = \\[\"127.0.0.1\\:3128\", \"\\[\\:\\:1\\]\\:3128\"\\]]:FILE"));
}

TEST_CASE("completions for fish") {
  const std::string script = completions("fish");
  CHECK(has(script,
            "\ncomplete -c culvert -n '__culvert_reads serve run check' -l listen "
            "-x -d 'where clients connect'\n"));
  CHECK(has(script, " -l open-proxy -d '"));
  CHECK(has(script, " -l config -r -F -d '"));
  CHECK(has(script, " -l log-format -x -a 'text json' -d '"));
  CHECK(has(script, "\ncomplete -c culvert -n '__culvert_reads check' -l json -d '"));
  CHECK(has(script, "\ncomplete -c culvert -n '__culvert_reads setup' -l listen -x -d '"));
  CHECK(has(script, "a client\\'s request head"));
}
