#include "check/report.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("a target is well if all its steps are") {
  TargetReport report;
  CHECK(report.ok());
  report.steps.push_back({.name = "config", .subject = {}, .ok = true});
  CHECK(report.ok());
  report.steps.push_back({.name = "upstream", .subject = {}, .ok = false});
  report.steps.push_back({.name = "request", .subject = {}, .ok = true});
  CHECK_FALSE(report.ok());
}
