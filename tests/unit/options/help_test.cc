#include "options/help.h"

#include <string>
#include <string_view>

#include "options/command_table.h"
#include "support/catch.h"

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
  CHECK(help_text().find_first_of("{}") == std::string::npos);
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
