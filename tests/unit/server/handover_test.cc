#include "server/handover.h"

#include <string>

#include "support/catch.h"

using namespace culvert;
using Catch::Matchers::Contains;

TEST_CASE("who cannot be followed by another process") {
  const auto objection = [](int pid, const char* systemd_exec_pid, bool manager_is_told = false) {
    return objection_to_handover({pid, 4000, 4000, "systemd"}, systemd_exec_pid, manager_is_told);
  };
  CHECK(objection(4711, nullptr).empty());
  CHECK(objection(4711, "").empty());
  CHECK(objection(4711, "471").empty());  // started by a process that systemd started
  CHECK(objection(4711, "47111").empty());
  CHECK_THAT(objection(4711, "4711"), Contains("--listen systemd") && Contains("Type=notify"));
  CHECK(objection(4711, "4711", true).empty());
  CHECK_THAT(objection(1, nullptr), Contains("container"));
}

TEST_CASE("the first process of a container need not be number 1") {
  // Several containers with one process namespace (a pod): the parent is outside.
  CHECK_THAT(objection_to_handover({7, 0, 7, "pause"}, nullptr, false), Contains("container"));
  for (const char* const init : {"tini", "docker-init", "dumb-init", "catatonit"}) {
    CAPTURE(init);
    CHECK_THAT(objection_to_handover({7, 1, 7, init}, nullptr, false),
               Contains(std::string(init) + " ends with the process that it has started"));
    // Others have started it, and have ended.
    CHECK(objection_to_handover({7, 1, 5, init}, nullptr, false).empty());
    CHECK(objection_to_handover({7, 5, 7, init}, nullptr, false).empty());
  }
  CHECK(objection_to_handover({7, 1, 7, "systemd"}, nullptr, false).empty());
  CHECK(objection_to_handover({7, 1, 7, ""}, nullptr, false).empty());
}
