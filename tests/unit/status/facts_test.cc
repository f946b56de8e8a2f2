#include "status/facts.h"

#include <string>

#include "support/catch.h"

using namespace culvert;

namespace {

Json parsed(const std::string& text) {
  auto json = Json::parse(text);
  REQUIRE(json);
  return *json;
}

}  // namespace

TEST_CASE("the facts are those of the admin interface") {
  const ShownStatus status = ShownStatus::of(parsed(R"({
      "version":"0.1.0","pid":7,"started":"2026-11-30T00:11:19.000Z","uptime_seconds":12.9,
      "state":"draining","ready":false,"not_ready_reason":"it drains","healthy":true,
      "unhealthy_reason":null,"listeners":["http://a","unix:/b"],"connections":5,"tunnels":3,
      "stalled":2,"held":1,"requests":{"ok":12,"dns_error":1,"refused":2},"bytes_up":1,
      "bytes_down":4000000000,"rate_up":1.5,"rate_down":2.5,
      "history":{"interval_seconds":5,"up":[1.5,2],"down":[3,4]}})"));
  CHECK(status.version == "0.1.0");
  CHECK(status.pid == 7);
  CHECK(status.uptime == 12);
  CHECK(status.draining());
  CHECK_FALSE(status.ready);
  CHECK(status.healthy);
  CHECK(status.not_ready_reason == "it drains");
  CHECK(status.unhealthy_reason.empty());
  CHECK(status.listeners == std::vector<std::string>{"http://a", "unix:/b"});
  CHECK(status.requests_ok == 12);
  CHECK(status.requests_failed == 3);
  CHECK(status.bytes_down == 4'000'000'000);
  CHECK(status.history_up == std::vector<std::int64_t>{1, 2});
  CHECK(status.history_down == std::vector<std::int64_t>{3, 4});

  const auto upstreams = ShownUpstream::of(parsed(R"({"upstreams":[{"name":"a","label":"l",
      "state":"marked_down","reason":"why","down_seconds":12.5,"default_route":true,"tunnels":2,
      "attempts":{"connected":5,"refused":1,"failed":2,"unanswered":3,"abandoned":4},
      "connect_ms":[12,15]}]})"));
  REQUIRE(upstreams.size() == 1);
  CHECK(upstreams[0].down());
  CHECK(upstreams[0].down_for == 12);
  CHECK(upstreams[0].default_route);
  CHECK(upstreams[0].connected == 5);
  CHECK(upstreams[0].failed == 6);
  CHECK(upstreams[0].connect_ms == std::vector<std::int64_t>{12, 15});

  const ShownTunnels page =
      ShownTunnels::of(parsed(R"({"total":9,"matching":4,"offset":0,"tunnels":[
      {"id":17,"client":"c","user":"bob","method":"CONNECT","target":"t","upstream":null,
      "stage":"dial","age_seconds":65.5,"bytes_up":1,"bytes_down":2,"rate_up":1.5,"rate_down":null,
      "quiet_seconds":31.2,"state":"stalled",
      "stall":{"side":"client","what":"does_not_read","seconds":31.0}}]})"));
  CHECK(page.total == 9);
  CHECK(page.matching == 4);
  REQUIRE(page.tunnels.size() == 1);
  CHECK(page.tunnels[0].user == "bob");
  CHECK(page.tunnels[0].upstream.empty());
  CHECK(page.tunnels[0].rate == 1);
  CHECK_FALSE(page.tunnels[0].rate_known);
  CHECK_FALSE(page.lacks_rates());
  CHECK(page.tunnels[0].stall_side == "client");
  CHECK(page.tunnels[0].stall_what == "does_not_read");
  CHECK(page.tunnels[0].stalled_for == 31);

  const auto failures = ShownFailure::list(parsed(R"({"failures":[{"id":18,"time":"T","status":502,
      "outcome":"o","explanation":"e","hint":null}]})"));
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].id == 18);
  CHECK(failures[0].status == 502);
  CHECK(failures[0].hint.empty());
}

TEST_CASE("rates are lacking where something moves") {
  const auto lacks = [](const std::string& tunnel) {
    return ShownTunnels::of(parsed("{\"tunnels\":[" + tunnel + "]}")).lacks_rates();
  };
  CHECK(lacks(R"({"state":"moving","rate_up":null,"rate_down":null})"));
  CHECK_FALSE(lacks(R"({"state":"moving","rate_up":0.5,"rate_down":0.0})"));
  CHECK_FALSE(lacks(R"({"state":"quiet","rate_up":null,"rate_down":null})"));
  CHECK_FALSE(lacks(""));
}

TEST_CASE("what is missing or of another kind is nothing") {
  const Json odd = parsed(R"({"pid":"x","listeners":7,"requests":[],"upstreams":{},"tunnels":[1],
      "failures":null,"history":3})");
  CHECK(ShownStatus::of(odd).pid == 0);
  CHECK(ShownStatus::of(odd).listeners.empty());
  CHECK(ShownUpstream::of(odd).empty());
  CHECK(ShownTunnels::of(odd).tunnels.size() == 1);
  CHECK(ShownTunnels::of(odd).tunnels[0].target.empty());
  CHECK(ShownFailure::list(odd).empty());
}
