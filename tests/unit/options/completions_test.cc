#include "options/completions.h"

#include <string>
#include <string_view>

#include "options/command_table.h"
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
  }
  CHECK(completions("tcsh").empty());
  CHECK(completions("").empty());
}

TEST_CASE("completions for bash") {
  const std::string script = completions("bash");
  CHECK(script.ends_with("\ncomplete -F _culvert culvert\n"));
  CHECK(has(script, "--log-level) COMPREPLY=($(compgen -W 'debug info warning error' "));
  CHECK(has(script, "--config) compopt -o filenames"));
  CHECK(has(script, "--listen | --allow-client | "));
}

TEST_CASE("completions for zsh") {
  const std::string script = completions("zsh");
  CHECK(script.starts_with("#compdef culvert\n"));
  CHECK(has(script, "'*--listen=[where clients connect]:ADDR\\:PORT: '"));
  CHECK(has(script, "'--open-proxy[let any client that can connect use the proxy]'"));
  CHECK(has(script, ":LEVEL:(debug info warning error)'"));
  CHECK(has(script, ":FILE:_files'"));
  // Quotes and brackets of a text do not end it.
  CHECK(has(script, "a client'\\''s request head"));
  CHECK(has(script, "listen = \\[\"127.0.0.1\\:3128\", \"\\[\\:\\:1\\]\\:3128\"\\]]:FILE"));
}

TEST_CASE("completions for fish") {
  const std::string script = completions("fish");
  CHECK(has(script, "\ncomplete -c culvert -l listen -x -d 'where clients connect'\n"));
  CHECK(has(script, "\ncomplete -c culvert -l open-proxy -d '"));
  CHECK(has(script, "\ncomplete -c culvert -l config -r -F -d '"));
  CHECK(has(script, "\ncomplete -c culvert -l log-format -x -a 'text json' -d '"));
  CHECK(has(script, "a client\\'s request head"));
}
