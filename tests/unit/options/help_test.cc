#include "options/help.h"

#include <sstream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/text.h"
#include "options/command_line.h"
#include "options/command_table.h"
#include "support/catch.h"
#include "unit/options/help_gaps.h"

using namespace culvert;

TEST_CASE("every flag is in the help, once") {
  const std::string help = help_text();
  for (const Flag& flag : flags()) {
    INFO(flag.name);
    const std::string entry =
        "\n  --" + std::string(flag.name) + " " + std::string(flag.placeholder);
    const std::size_t found = help.find(entry);
    CHECK(found != std::string::npos);
    CHECK(help.find(entry, found + 1) == std::string::npos);
    CHECK(help.find("\n" + std::string(flag.group) + "\n") != std::string::npos);
  }
}

TEST_CASE("every command is in the help") {
  const std::string help = help_text();
  for (const Command& command : kCommands) {
    INFO(command.name);
    CHECK(help.find("culvert " + std::string(command.usage)) != std::string::npos);
  }
}

TEST_CASE("limits and defaults are filled in") {
  CHECK_FALSE(test::has_gap(help_text()));
  CHECK(help_on(*find_flag("header-timeout")) ==
        "for a client's request head, 100ms to 1h (default: 10s)");
  CHECK(help_on(*find_flag("max-connections")) ==
        "clients at a time, 1 to 1000000 (default: 4096)");
  CHECK(help_on(*find_flag("drain-timeout")) ==
        "for tunnels to finish after SIGTERM, up to 168h; 0 cuts them at\n"
        "once, off waits for the last of them (default: 30s)");
  CHECK(help_on(*find_flag("log-format")) == "text or json (default: text)");
}

TEST_CASE("a summary is one line") {
  CHECK(summary_of(*find_flag("listen")) == "where clients connect");
  CHECK(summary_of(*find_flag("upstream")) == "the way out");
  CHECK(summary_of(*find_flag("tunnel-command")) ==
        "a shell command that makes the tunnel, such as 'ssh -N -D 127.0.0.1:1080 user@host'");
  for (const Flag& flag : flags()) {
    INFO(flag.name);
    CHECK_FALSE(summary_of(flag).empty());
    CHECK(summary_of(flag).find('\n') == std::string::npos);
  }
}

namespace {

/// The words of an example, as a shell splits it.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '\'') {
      quoted = !quoted;
    } else if (c != ' ' || quoted) {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

std::string replaced(std::string text, std::string_view part, std::string_view other) {
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += other.size()) {
    text.replace(at, part.size(), other);
  }
  return text;
}

}  // namespace

TEST_CASE("the help on a command fits a screen") {
  for (const Command& command : kCommands) {
    INFO(command.name);
    const std::string help = help_on_command(command);
    CHECK(help.starts_with("Usage: culvert " + std::string(command.usage) + "\n\n"));
    std::istringstream lines(help);
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      INFO(line);
      CHECK(line.size() <= 80);
      CHECK_FALSE(line.ends_with(' '));
    }
    CHECK(count <= 40);
    CHECK_FALSE(test::has_gap(help));
    for (const CommandFlag& flag : kCommandFlags) {
      INFO(flag.name);
      const bool named = help.find("\n  --" + std::string(flag.name) + " ") != std::string::npos;
      if (flag.command == command.name) CHECK(named);
    }
    for (const std::string_view name : split(command.proxy_flags, ' ')) {
      if (!name.empty()) CHECK(find_flag(name) != nullptr);
    }
  }
}

TEST_CASE("the help on a command has its own defaults") {
  const auto run = help_on_command(*find_command("run"));
  CHECK(run.find("warning or error (default: warning)") != std::string::npos);
  const auto serve = help_on_command(*find_command("serve"));
  CHECK(serve.find("warning or error (default: info)") != std::string::npos);
}

TEST_CASE("the examples of a command are read without a problem") {
  for (const Command& command : kCommands) {
    std::istringstream lines(
        replaced(replaced(std::string(command.examples), "\\\n", " "), "$(pidof dockerd)", "1"));
    for (std::string line; std::getline(lines, line);) {
      INFO(line);
      std::vector<std::string> words = words_of(line.substr(0, line.find_first_of("|>")));
      REQUIRE(words.size() > 1);
      CHECK(words.front() == "culvert");
      words.erase(words.begin());
      std::erase(words, "--config");
      std::erase(words, "/etc/culvert/culvert.toml");
      const CommandLine read = parse_command_line(words);
      CHECK_FALSE(std::holds_alternative<Problems>(read));
    }
  }
}
