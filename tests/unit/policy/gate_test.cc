#include "policy/gate.h"

#include <string>
#include <utility>
#include <vector>

#include "support/catch.h"

using namespace culvert;
using Catch::Matchers::Contains;

namespace {

Router router_that_denies(const std::string& patterns) {
  std::vector<std::string> problems;
  RoutingTable table;
  table.rules.push_back(
      {parse_target_patterns(patterns, problems), {{}, "--route " + patterns + "=deny"}});
  table.otherwise = {{0}, "default"};
  REQUIRE(problems.empty());
  return Router(std::move(table));
}

/// A gate, and its last verdict.
struct Scene {
  AccessPolicy access{{Cidr::parse("192.0.2.0/24").value()}, false};
  Router router = router_that_denies("denied.example");
  Gate gate{access, router, 7};
  std::optional<IpAddress> client = IpAddress::parse("192.0.2.1");
  HostPort target = HostPort::parse("gcr.io:443").value();
  bool certified = false;
  int answers = 0;
  Gate::Verdict verdict;

  void on_verdict(Gate::Verdict given) {
    ++answers;
    verdict = std::move(given);
  }
  void ask(Admission admission = Admission::serve, bool looped = false, bool needs_route = true) {
    answers = 0;
    gate.ask({client, admission, target, looped, needs_route, certified},
             Gate::Done::to<&Scene::on_verdict>(this));
    REQUIRE(answers == 1);
  }
  void check_refused(Errc code, Side side, const std::string& text) const {
    REQUIRE(verdict.refusal);
    CHECK(verdict.refusal->code == code);
    CHECK(verdict.refusal->side == side);
    CHECK(verdict.refusal->text == text);
  }
};

}  // namespace

TEST_CASE("a client that may have its target gets the route") {
  Scene scene;
  scene.ask();
  CHECK_FALSE(scene.verdict.refusal);
  CHECK(scene.verdict.client_admitted);
  CHECK(scene.verdict.route == &scene.router.route(scene.target));
}

TEST_CASE("where a client is decides what the address guard allows it") {
  Scene scene;
  scene.ask();
  CHECK(scene.verdict.place == AddressGuard::Client::elsewhere);
  for (const auto& here : {IpAddress::parse("127.0.0.1"), IpAddress::parse("::1"), {}}) {
    scene.client = here;
    scene.ask();
    CHECK(scene.verdict.place == AddressGuard::Client::here);
  }
}

TEST_CASE("a target that a rule denies is refused to a client that is admitted") {
  Scene scene;
  scene.target = HostPort::parse("denied.example:443").value();
  scene.ask();
  CHECK(scene.verdict.client_admitted);
  scene.check_refused(Errc::http_request_denied, Side::local,
                      "target denied.example:443 is denied by --route denied.example=deny");
}

TEST_CASE("what needs no route is not denied one") {
  Scene scene;
  scene.target = HostPort::parse("denied.example:443").value();
  scene.ask(Admission::serve, false, false);
  CHECK_FALSE(scene.verdict.refusal);
  CHECK(scene.verdict.client_admitted);
  CHECK(scene.verdict.route == nullptr);
}

TEST_CASE("the first objection is reported, and none of them admits the client") {
  Scene scene;
  scene.client = IpAddress::parse("198.51.100.1");
  scene.target = HostPort::parse("denied.example:443").value();
  scene.ask(Admission::draining, true);
  CHECK_FALSE(scene.verdict.client_admitted);
  scene.check_refused(Errc::proxy_draining, Side::local,
                      "shutting down, no new connection to denied.example:443");
  scene.ask(Admission::full, true);
  CHECK_FALSE(scene.verdict.client_admitted);
  scene.check_refused(Errc::connection_limit_reached, Side::local,
                      "all 7 connections are in use, none left for denied.example:443 - see "
                      "--max-connections");
  scene.ask(Admission::crowded, true);
  CHECK_FALSE(scene.verdict.client_admitted);
  scene.check_refused(Errc::connection_limit_reached, Side::local,
                      "no file descriptors are left for denied.example:443 - raise the proxy's "
                      "limit of open files (ulimit -n, LimitNOFILE=)");
  scene.ask(Admission::serve, true);
  CHECK_FALSE(scene.verdict.client_admitted);
  REQUIRE(scene.verdict.refusal);
  CHECK_THAT(scene.verdict.refusal->text, Contains("198.51.100.1"));
  scene.client = IpAddress::parse("192.0.2.1");
  scene.ask(Admission::serve, true);
  CHECK_FALSE(scene.verdict.client_admitted);
  scene.check_refused(Errc::proxy_loop_detected, Side::client,
                      "this request has been here before - an upstream leads back to this proxy");
}

TEST_CASE("a long name is shortened, so that the cause fits the reason phrase") {
  Scene scene;
  scene.target.host = std::string(200, 'x');
  scene.ask(Admission::draining);
  REQUIRE(scene.verdict.refusal);
  CHECK(scene.verdict.refusal->text.size() < 100);
}

TEST_CASE("without a list any address is admitted where a certificate was shown, and only there") {
  Scene scene;
  scene.access = AccessPolicy({}, false);
  scene.certified = true;
  scene.ask();
  CHECK(scene.verdict.client_admitted);
  CHECK(scene.verdict.place == AddressGuard::Client::elsewhere);
  scene.certified = false;
  scene.ask();
  CHECK_FALSE(scene.verdict.client_admitted);
  scene.ask(Admission::full);
  CHECK_FALSE(scene.verdict.client_admitted);
}
