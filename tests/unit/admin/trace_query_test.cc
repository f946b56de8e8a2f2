#include "admin/trace_query.h"

#include <string>

#include "support/catch.h"

using namespace culvert;

namespace {

TraceQuery parsed(std::string_view query) {
  auto out = TraceQuery::parse(query);
  REQUIRE(out);
  return *out;
}

std::string mistake(std::string_view query) {
  const auto out = TraceQuery::parse(query);
  REQUIRE_FALSE(out);
  return out.error().text;
}

}  // namespace

TEST_CASE("what a trace is asked for") {
  const TraceQuery next = parsed("target=gcr.io%2C.gcr.io&sessions=3");
  CHECK_FALSE(next.id);
  REQUIRE(next.targets.size() == 2);
  CHECK(next.targets[1].text() == ".gcr.io");
  CHECK(next.sessions == 3);
  CHECK(parsed("target=*").sessions == 10);
  const TraceQuery one = parsed("id=17");
  CHECK(one.id == 17);
  CHECK(one.sessions == 1);
}

TEST_CASE("mistakes in what a trace is asked for") {
  CHECK(mistake("") == "needs target=PATTERN, as in --route, or id=N of a session");
  CHECK(mistake("id=1&target=*") == mistake(""));
  CHECK(mistake("id=x") == "id is the number of a session");
  CHECK(mistake("id=1&sessions=2") == "sessions has no meaning beside id");
  CHECK(mistake("target=*&sessions=0") == "sessions is a number from 1 to 10000");
  CHECK(mistake("target=*&sessions=10001") == "sessions is a number from 1 to 10000");
  CHECK(mistake("target=u:hush@gcr.io").find("hush") == std::string::npos);
}
