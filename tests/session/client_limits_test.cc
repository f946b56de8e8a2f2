// What a client gets that has reached a limit of its own.
#include "session/client_limits.h"

#include <vector>

#include "support/catch.h"
#include "support/numbered_bytes.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

const std::string kGet = "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n";

UsageKey key_of(std::string_view address) {
  return UsageKey::client(IpAddress::parse(address).value());
}

std::string response(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// How long the scene takes.
std::chrono::milliseconds time_of(Scene& scene) {
  const auto begun = scene.loop.now();
  scene.start();
  CHECK(turn_until(
      scene.loop, [&] { return scene.session == nullptr; }, 60s));
  return std::chrono::duration_cast<std::chrono::milliseconds>(scene.loop.now() - begun);
}

}  // namespace

TEST_CASE("a client with too many connections is told so") {
  Scene scene;
  scene.config.max_connections_per_client = 2;
  const std::string client = GENERATE("10.1.2.3", "2001:db8::7:8:9:1");
  scene.config.allow_clients = {*Cidr::parse("0.0.0.0/0"), *Cidr::parse("::/0")};
  scene.peer = HostPort{client, 50'001, IpAddress::parse(client)};
  std::vector<UsageTable::Place> others;
  for (int i = 0; i < 2; ++i) {
    others.push_back(scene.limits.usage.enter(key_of(client), 2, scene.loop.now()));
  }
  scene.client.sends(GENERATE(std::string(kConnect), kGet));
  scene.start();
  const Answer answer = scene.answer();
  CHECK(answer.status == 429);
  CHECK_THAT(answer.reason,
             Contains("has 2 connections, as many as it may - see --max-connections-per-client"));
  CHECK_THAT(answer.reason, Contains(client == "10.1.2.3" ? client : "2001:db8::/64"));
  CHECK_THAT(answer.head, Contains("error=connection_limit_reached"));
  CHECK(answer.head.find("Retry-After") == std::string::npos);
  CHECK(scene.dials() == 0);
  CHECK_THAT(scene.access_text(), Contains("outcome=client_connection_limit"));
  CHECK(scene.counters.limits[static_cast<std::size_t>(Limit::client_connections)] == 1);
  CHECK(others[0].usage()->refused == 0);  // it is gone
}

TEST_CASE("the client that has too many connections is named as it counts") {
  struct Case {
    std::string client;
    std::string name;
  };
  const auto test =
      GENERATE(Case{"::1", "client ::1 has"}, Case{"::ffff:10.1.2.3", "client 10.1.2.3 has"},
               Case{"2001:db8:0:9::1", "client 2001:db8:0:9::/64 has"});
  Scene scene;
  scene.config.max_connections_per_client = 1;
  scene.config.allow_clients = {*Cidr::parse("0.0.0.0/0"), *Cidr::parse("::/0")};
  scene.peer = HostPort{test.client, 50'001, IpAddress::parse(test.client)};
  const auto other = scene.limits.usage.enter(key_of(test.client), 1, scene.loop.now());
  scene.client.sends(std::string(kConnect));
  scene.start();
  CHECK_THAT(scene.answer().reason, Contains(test.name + " 1 connection, as many"));
}

TEST_CASE("a client below its limit is served, and leaves its place") {
  Scene scene;
  scene.config.max_connections_per_client = 2;
  scene.client.sends(std::string(kConnect));
  scene.start();
  const auto place = scene.limits.usage.enter(key_of("127.0.0.1"), 2, scene.loop.now());
  CHECK(place.entry() == UsageTable::Entry::served);
  CHECK(place.usage()->served == 2);
  scene.client.ends();
  scene.upstream.ends();
  REQUIRE(scene.run());
  CHECK(scene.client.received() == kEstablished);
  CHECK(place.usage()->served == 1);
}

TEST_CASE("a client of a unix socket has no such limit") {
  Scene scene;
  scene.config.max_connections_per_client = 1;
  scene.config.max_requests_per_second = 1;
  scene.peer.reset();
  const auto place = scene.limits.usage.enter(key_of("127.0.0.1"), 1, scene.loop.now());
  scene.client.sends(std::string(kConnect)).ends();
  scene.upstream.ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.received() == kEstablished);
}

TEST_CASE("a client with too many requests is told when to come again") {
  Scene scene;
  scene.config.max_requests_per_second = 3;
  const auto place = scene.limits.usage.enter(key_of("127.0.0.1"), 0, scene.loop.now());
  for (int i = 0; i < 3; ++i) place.usage()->requests.take(3, 1s, scene.loop.now());
  scene.client.sends(GENERATE(std::string(kConnect), kGet));
  scene.start();
  const Answer answer = scene.answer();
  CHECK(answer.status == 429);
  CHECK_THAT(answer.reason, Contains("client 127.0.0.1 has sent more than 3 requests in a second "
                                     "- see --max-requests-per-second"));
  CHECK_THAT(answer.head, Contains("\r\nRetry-After: 1\r\n"));
  CHECK(scene.dials() == 0);
  CHECK(scene.counters.limits[static_cast<std::size_t>(Limit::requests)] == 1);
  CHECK_THAT(scene.access_text(), Contains("outcome=request_rate_limit"));
}

TEST_CASE("requests of one connection count, too") {
  Scene scene;
  scene.config.max_requests_per_second = 3;
  for (int i = 0; i < 4; ++i) scene.client.sends(kGet);
  scene.client.ends();
  scene.upstream.set_listener([&](const std::string&, bool end) {
    if (!end) scene.upstream.sends(response("x"));
  });
  scene.start();
  REQUIRE(scene.run());
  const std::string& got = scene.client.received();
  CHECK(got.find("HTTP/1.1 429 culvert: client 127.0.0.1") != std::string::npos);
  std::size_t answered = 0;
  for (std::size_t at = 0; (at = got.find("200 OK", at)) != std::string::npos; ++at) ++answered;
  CHECK(answered == 3);
}

TEST_CASE("a user's connections are counted wherever they come from") {
  ManualClock clock;
  Loop loop(&clock);
  Limits limits;
  Config config;
  config.max_connections_per_user = 1;
  ClientLimits first(limits, {});
  ClientLimits second(limits, {});
  CHECK_FALSE(first.object_to_user(config, "ann", loop));
  CHECK_FALSE(first.object_to_user(config, "ann", loop));  // the same connection
  CHECK_FALSE(second.object_to_user(config, "", loop));
  const auto objection = second.object_to_user(config, "ann", loop);
  REQUIRE(objection);
  CHECK(objection->code == Errc::client_connection_limit);
  CHECK(objection->text ==
        "user ann has 1 connection, as many as it may - see --max-connections-per-user");
  SECTION("until it is another one's") {
    CHECK_FALSE(first.object_to_user(config, "bob", loop));
    CHECK_FALSE(second.object_to_user(config, "", loop));
    CHECK_FALSE(second.object_to_user(config, "ann", loop));
  }
}

TEST_CASE("a client's name may be known later than its connection") {
  ManualClock clock;
  Loop loop(&clock);
  Limits limits;
  Config config;
  config.max_connections_per_client = 1;
  const std::optional<IpAddress> address = IpAddress::parse("10.1.2.3");
  ClientLimits first(limits, {});
  ClientLimits second(limits, {});
  first.set_client(config, *address, loop);
  second.set_client(config, *address, loop);
  CHECK_FALSE(first.object_to_request(config, address, loop));
  CHECK(second.object_to_request(config, address, loop));
}

TEST_CASE("a paced tunnel of a session takes its time") {
  Scene scene;
  scene.config.bandwidth_per_client = 100'000;
  const std::string bytes = numbered_bytes(200'000);
  scene.client.sends(std::string(kConnect)).sends(bytes).ends();
  scene.upstream.sends(bytes).ends();
  const auto time = time_of(scene);
  CHECK(time >= 1'700ms);
  CHECK(time <= 2'300ms);
  CHECK(scene.client.received() == std::string(kEstablished) + bytes);
  CHECK(scene.upstream.received() == bytes);
}

TEST_CASE("a plain response waits for its turn") {
  Scene scene;
  scene.config.bandwidth = 100'000;
  // It takes longer than these.
  scene.config.idle_timeout = scene.config.response_timeout = 1s;
  const std::string body = numbered_bytes(200'000);
  SECTION("with a length") { scene.upstream.sends(response(body)); }
  SECTION("in chunks") {
    scene.upstream.sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n30d40\r\n" + body +
                         "\r\n0\r\n\r\n");
  }
  SECTION("until it ends") { scene.upstream.sends("HTTP/1.1 200 OK\r\n\r\n" + body).ends(); }
  scene.client.sends(kGet).ends();
  const auto time = time_of(scene);
  CHECK(time >= 1'700ms);
  CHECK(time <= 2'400ms);
  CHECK_THAT(scene.access_text(), Contains("outcome=ok") && Contains("bytes_down=200000"));
}

TEST_CASE("an upload waits for its turn") {
  Scene scene;
  scene.config.bandwidth = 100'000;
  scene.config.response_timeout = 1s;
  const std::string body = numbered_bytes(200'000);
  const std::string head = "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\n";
  const bool chunked = GENERATE(false, true);
  scene.client.sends(chunked ? head + "Transfer-Encoding: chunked\r\n\r\n30d40\r\n" + body +
                                   "\r\n0\r\n\r\n"
                             : head + "Content-Length: 200000\r\n\r\n" + body);
  scene.client.ends();
  std::size_t got = 0;
  scene.upstream.set_listener([&](const std::string& bytes, bool) {
    got += bytes.size();
    if (got > 200'000) scene.upstream.sends(response("x"));
    if (got > 200'000) got = 0;
  });
  const auto time = time_of(scene);
  CHECK(time >= 1'700ms);
  CHECK(time <= 2'400ms);
  CHECK_THAT(scene.access_text(), Contains("outcome=ok") && Contains("bytes_up=200000"));
}

TEST_CASE("small responses wait for their turn, too") {
  Scene scene;
  scene.config.bandwidth = 100'000;
  const std::string body = numbered_bytes(10'000);
  for (int i = 0; i < 20; ++i) scene.client.sends(kGet);
  scene.client.ends();
  scene.upstream.set_listener([&](const std::string&, bool end) {
    if (!end) scene.upstream.sends(response(body));
  });
  const auto time = time_of(scene);
  CHECK(time >= 1'700ms);
  CHECK(time <= 2'500ms);
}

TEST_CASE("a paced exchange may end at any time") {
  Scene scene;
  scene.config.bandwidth = 100'000;
  scene.upstream.sends(response(numbered_bytes(200'000)));
  scene.client.sends(kGet);
  scene.start();
  turn_for(scene.loop, 500ms);
  CHECK(scene.finished == 0);
  SECTION("by the client's reset") {
    scene.client.resets();
    REQUIRE(scene.run());
  }
  SECTION("by an abort") {
    scene.session->abort("the test ends it");
    REQUIRE(scene.run());
  }
  SECTION("with the session") { scene.end_session(); }
  const auto place = scene.limits.usage.enter(key_of("127.0.0.1"), 0, scene.loop.now());
  CHECK(place.usage()->of(Direction::down).waiting == 0);
}

TEST_CASE("a tunnel's lifetime stands in the log") {
  Scene scene;
  scene.config.max_lifetime = 24h;
  scene.client.sends(std::string(kConnect));
  scene.upstream.sends("x");
  scene.start();
  turn_for(scene.loop, 24h - 1s);
  CHECK(scene.finished == 0);
  turn_for(scene.loop, 2s);
  REQUIRE(scene.run());
  CHECK_THAT(scene.access_text(), Contains("outcome=lifetime_over") &&
                                      Contains("closed_by=culvert") &&
                                      Contains("the tunnel's lifetime of 24h is over"));
  // Its client resumes.
  CHECK(scene.resumptions.is_resumption("gcr.io:443", scene.loop.now()));
}
