#include "options/command_table.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "options/flags.h"
#include "support/catch.h"

using namespace culvert;

TEST_CASE("commands and their flags are found by name") {
  REQUIRE(find_command("check") != nullptr);
  CHECK(find_command("check")->takes_words);
  CHECK_FALSE(find_command("status")->takes_words);
  CHECK(find_command("state") == nullptr);
  REQUIRE(find_command_flag("setup", "root") != nullptr);
  CHECK(find_command_flag("setup", "root")->placeholder == "DIR");
  CHECK(find_command_flag("check", "root") == nullptr);
  CHECK(commands_with_flag("json") == "check and status");
  CHECK(commands_with_flag("threads").empty());
}

TEST_CASE("each flag of a command belongs to one that there is") {
  for (const CommandFlag& flag : kCommandFlags) {
    INFO(flag.name);
    CHECK(find_command(flag.command) != nullptr);
    CHECK(find_command_flag(flag.command, flag.name) == &flag);
  }
}

TEST_CASE("a command reads each flag once") {
  const auto owner = [](std::string_view command, std::string_view name) {
    const auto all = flags_as_read_by(command);
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const ReadFlag& flag) { return flag.name == name; });
    REQUIRE(found != all.end());
    return found->owner;
  };
  std::set<std::string_view> names;
  for (const ReadFlag& flag : flags_as_read_by("setup")) CHECK(names.insert(flag.name).second);
  for (const Flag& flag : flags()) CHECK(names.count(flag.name) == 1);
  CHECK(owner("setup", "listen") == ReadFlag::Owner::command);
  CHECK(owner("serve", "listen") == ReadFlag::Owner::proxy);
  CHECK(owner("serve", "json") == ReadFlag::Owner::others);
}
