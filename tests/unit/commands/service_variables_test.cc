#include "commands/service_variables.h"

#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;

using Lines = std::vector<std::string>;

TEST_CASE("variables for a process that was started are for the child") {
  CHECK(service_variables({"WATCHDOG_PID=7", "A=7", "SYSTEMD_EXEC_PID=7", "WATCHDOG_USEC=7"}, {}, 7,
                          8) ==
        Lines{"WATCHDOG_PID=8", "A=7", "SYSTEMD_EXEC_PID=8", "WATCHDOG_USEC=7"});
  CHECK(service_variables({"WATCHDOG_PID=71", "SYSTEMD_EXEC_PID="}, {}, 7, 8) ==
        Lines{"WATCHDOG_PID=71", "SYSTEMD_EXEC_PID="});
}

TEST_CASE("sockets from systemd are the child's") {
  const std::vector<PassedSocket> sockets = {{3, "systemd:web"}, {4, "systemd:"}};
  CHECK(service_variables({"A=1"}, sockets, 7, 8) ==
        Lines{"A=1", "LISTEN_PID=8", "LISTEN_FDS=2", "LISTEN_FDNAMES=web:"});
  // As they were read.
  const auto read = read_listen_variables({"8", "2", "web:"}, 8);
  REQUIRE(read.ok());
  CHECK(*read == sockets);
  CHECK(service_variables({}, {{5, "http://127.0.0.1:1"}}, 7, 8).empty());
}
