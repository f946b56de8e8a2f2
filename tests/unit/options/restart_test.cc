#include "options/restart.h"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "options/command_line.h"
#include "support/catch.h"

using namespace culvert;

namespace {

using Flags = std::vector<std::string_view>;

Flags changed(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  return changed_until_restart(std::get<Config>(parse_command_line(before)),
                               std::get<Config>(parse_command_line(after)));
}

}  // namespace

TEST_CASE("a reload applies routes, upstreams, lists and limits") {
  CHECK(
      changed({"--upstream", "socks5://127.0.0.1:1080"},
              {"--upstream", "a=http://127.0.0.1:3128", "--route", "x=a", "--no-proxy", "y",
               "--allow-client", "10.0.0.0/8", "--connect-timeout", "5s", "--max-connections", "9"})
          .empty());
  CHECK(changed({"--access-log", "/tmp/a"}, {"--access-log", "/tmp/b"}).empty());
}

TEST_CASE("the access log stays of one kind") {
  const auto changes = [](const char* before, const char* after) {
    Config started;
    Config now;
    started.access_log = before;
    now.access_log = after;
    return changed_until_restart(started, now) == Flags{"access-log"};
  };
  CHECK_FALSE(changes("journal", "journal"));
  CHECK_FALSE(changes("./journal", "/b"));
  for (const char* other : {"-", "off", "/a", "./journal"}) {
    CHECK(changes("journal", other));
    CHECK(changes(other, "journal"));
  }
}

TEST_CASE("what a process is born with needs a restart") {
  CHECK(changed({"--listen", "127.0.0.1:1"}, {"--listen", "127.0.0.1:2"}) == Flags{"listen"});
  CHECK(changed({"--listen", "unix:/a"}, {"--listen", "unix:/a?mode=0666"}) == Flags{"listen"});
  CHECK(changed({"--listen", "unix:/a?group=root"}, {"--listen", "unix:/a"}) == Flags{"listen"});
  CHECK(changed({"--listen", "127.0.0.1:1"}, {"--listen", "127.0.0.1:1", "--listen", "[::1]:1"}) ==
        Flags{"listen"});
  CHECK(changed({"--threads", "1", "--log-level", "debug", "--log-format", "json"},
                {"--threads", "2"}) == Flags{"threads", "log-level", "log-format"});
  CHECK(changed({"--access-log", "off"}, {"--access-log", "/tmp/b"}) == Flags{"access-log"});
  CHECK(changed({"--tunnel-command", "ssh a"}, {"--tunnel-command", "ssh b"}) ==
        Flags{"tunnel-command"});
  CHECK(changed({"--tunnel-command", "ssh {port}"},
                {"--tunnel-command", "ssh {port}", "--tunnels", "4"})
            .empty());
}

TEST_CASE("an admin interface at another address needs a restart, what it may do does not") {
  CHECK(changed({}, {"--admin", "127.0.0.1:1"}) == Flags{"admin"});
  CHECK(changed({"--admin", "127.0.0.1:1"}, {"--admin", "127.0.0.1:2"}) == Flags{"admin"});
  CHECK(changed({"--admin", "unix:/a"}, {"--admin", "unix:/a?mode=0660"}) == Flags{"admin"});
  CHECK(changed({"--admin", "unix:/a"}, {"--admin", "unix:/a", "--admin-actions"}).empty());
}
