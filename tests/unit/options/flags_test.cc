#include "options/flags.h"

#include <set>
#include <string>
#include <string_view>

#include "support/catch.h"

using namespace culvert;

TEST_CASE("every flag is in the help, once") {
  const std::string help = help_text();
  std::set<std::string_view> names;
  for (const Flag& flag : flags()) {
    INFO(flag.name);
    CHECK(names.insert(flag.name).second);
    CHECK(find_flag(flag.name) == &flag);
    const std::string entry = "\n  --" + std::string(flag.name) + " " + std::string(flag.value);
    const std::size_t found = help.find(entry);
    CHECK(found != std::string::npos);
    CHECK(help.find(entry, found + 1) == std::string::npos);
  }
  CHECK(find_flag("bogus") == nullptr);
}

TEST_CASE("the nearest flag") {
  CHECK(nearest_flag("lisen") == "listen");
  CHECK(nearest_flag("listen-") == "listen");
  CHECK(nearest_flag("upstreams") == "upstream");
  CHECK(nearest_flag("conect-timout") == "connect-timeout");
  CHECK(nearest_flag("halp") == "help");
  CHECK(nearest_flag("versoin") == "version");
  CHECK(nearest_flag("qwerty").empty());
  CHECK(nearest_flag("").empty());
  CHECK(nearest_flag("x").empty());
}
