#include "commands/running_options.h"

#include <string>
#include <vector>

#include "support/catch.h"
#include "unit/setup/temporary_root.h"

namespace culvert {
namespace {

std::vector<std::string> values(const Settings& settings, const char* flag) {
  std::vector<std::string> found;
  for (const Given& given : settings.of(flag)) found.push_back(given.value);
  return found;
}

TEST_CASE("the options of a running culvert are its arguments', then its file's") {
  using namespace std::string_literals;
  const TemporaryRoot root;
  root.write("/etc/c.toml", "listen = \"127.0.0.1:9\"\nauth-file = \"/etc/users\"\n");
  root.write("/proc/7/cmdline",
             "culvert\0--listen=127.0.0.1:1\0--listen\0unix:/x\0--open-proxy\0"s +
                 "--config\0/etc/c.toml\0"s);
  const Settings options = options_of_running(7, root.path() + "/");
  CHECK(values(options, "listen") == std::vector<std::string>{"127.0.0.1:1", "unix:/x"});
  CHECK(values(options, "auth-file") == std::vector<std::string>{"/etc/users"});
}

TEST_CASE("of a process that has gone, or has no arguments, nothing is known") {
  const TemporaryRoot root;
  CHECK(options_of_running(7, root.path() + "/").empty());
  root.write("/proc/7/cmdline", std::string("culvert\0", 8));
  CHECK(options_of_running(7, root.path() + "/").empty());
}

}  // namespace
}  // namespace culvert
