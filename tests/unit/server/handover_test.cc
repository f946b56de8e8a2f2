#include "server/handover.h"

#include "support/catch.h"

using namespace culvert;
using Catch::Matchers::Contains;

TEST_CASE("who cannot be followed by another process") {
  CHECK(objection_to_handover(4711, nullptr).empty());
  CHECK(objection_to_handover(4711, "").empty());
  CHECK(objection_to_handover(4711, "471").empty());  // started by a process that systemd started
  CHECK(objection_to_handover(4711, "47111").empty());
  CHECK_THAT(objection_to_handover(4711, "4711"), Contains("--listen systemd"));
  CHECK_THAT(objection_to_handover(1, nullptr), Contains("container"));
}
