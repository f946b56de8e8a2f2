#include "commands/seen_failures.h"

#include <string>

#include "base/json.h"
#include "support/catch.h"

using namespace culvert;

namespace {

Json json(const std::string& text) { return Json::parse(text).value(); }

const std::string kOne =
    R"({"id": 9, "time": "2026-11-28T14:03:07.042Z", "target": "gcr.io:443", "upstream": "tunnel",
        "outcome": "connection_refused", "explanation": "upstream tunnel refused the connection",
        "hint": "Is it up?"})";
const std::string kOther =
    R"({"id": 7, "time": "2026-11-28T14:03:05.000Z", "target": "a b\u001b", "upstream": null,
        "outcome": "dns_error", "explanation": "", "hint": null})";
const Json kFailures = json("{\"failures\": [" + kOne + ", " + kOther + "]}");
const Json kUpstreams = json(
    R"({"upstreams": [{"name": "tunnel", "label": "socks5://127.0.0.1:1080", "state": "down",
                       "reason": "it refused the connection"},
                      {"name": "direct", "label": "direct://", "state": "up"}]})");

}  // namespace

TEST_CASE("a failure is told with its cause and what looks into it") {
  const SeenFailures seen =
      seen_failures("the culvert", kFailures, kUpstreams, "2026-11-28T14:03:07.000Z");
  CHECK(seen.who == "the culvert");
  REQUIRE(seen.failures.size() == 1);
  CHECK(seen.failures[0].what == "gcr.io:443");
  CHECK(seen.failures[0].cause == "upstream tunnel refused the connection");
  CHECK(seen.failures[0].fix ==
        "culvert check --upstream socks5://127.0.0.1:1080 gcr.io:443  # Is it up?");
  CHECK_FALSE(seen.may_not_be_asked);
  REQUIRE(seen.down.size() == 1);
  CHECK(seen.down[0].what == "tunnel");
  CHECK(seen.down[0].cause == "it refused the connection");
  CHECK(seen.down[0].fix == "culvert check --upstream socks5://127.0.0.1:1080");
}

TEST_CASE("only what has failed since then counts, and nothing unprintable is repeated") {
  CHECK(seen_failures("", kFailures, kUpstreams, "2026-11-28T14:03:08.000Z").failures.empty());
  const auto all = seen_failures("", kFailures, kUpstreams, "2026-11-28T14:03:00.000Z").failures;
  REQUIRE(all.size() == 2);
  CHECK(all[0].what == "gcr.io:443");
  CHECK(all[1].what == "a b?");
  CHECK(all[1].cause == "dns_error");
  CHECK(all[1].fix == "culvert check");
}

TEST_CASE("an answer of another kind tells nothing") {
  const SeenFailures seen = seen_failures("x", json("[1]"), json("{\"upstreams\": 5}"), "");
  CHECK(seen.failures.empty());
  CHECK(seen.down.empty());
}
