// A reason phrase is all that many a user sees, so it has the cause, however long the names are.
#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "codec/clause.h"
#include "session/upstream_connection.h"
#include "support/catch.h"
#include "support/plain_scene.h"
#include "support/route_scene.h"
#include "support/session_scene.h"
#include "support/tls_client.h"
#include "support/upstream_attempt.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

std::string name_of(std::size_t length) {
  std::string name;
  while (name.size() + 60 < length) name += std::string(59, 'n') + ".";
  return name + std::string(length - name.size(), 'n');
}

std::string connect_to(const std::string& target) {
  return "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n\r\n";
}

}  // namespace

TEST_CASE("a target with a long name that is denied") {
  const std::string target = name_of(197) + ":443";
  const bool plain = GENERATE(false, true);
  Scene scene;
  RoutingTable table;
  table.otherwise = {{}, "--route *=deny"};
  scene.router.emplace(std::move(table));
  scene.client
      .sends(plain ? "GET http://" + target + "/ HTTP/1.1\r\nHost: x\r\n\r\n" : connect_to(target))
      .ends();
  scene.start();
  const Answer answer = scene.answer();
  CHECK(answer.status == 403);
  CHECK_THAT(answer.reason, Contains("nn:443 is denied by --route *=deny"));
  CHECK_THAT(scene.access_text(), Contains("target=" + (plain ? "http://"s : ""s) + target));
}

TEST_CASE("an upstream with a long name, and a target with one") {
  UpstreamConfig proxy = http();
  proxy.address = HostPort::from(name_of(253), 3128).value();
  proxy.label = "http://" + proxy.address.to_string();
  const std::string target = name_of(200) + ":443";
  Scene scene;
  scene.add(proxy);
  scene.client.sends(connect_to(target)).ends();
  std::string cause;
  SECTION("that cannot be connected to") {
    scene.transport->fails(ECONNREFUSED);
    cause = "refused the connection (for nn";
  }
  SECTION("that closes") {
    scene.upstream.ends();
    cause = "closed the connection instead of answering (for nn";
  }
  SECTION("that speaks something else") {
    scene.upstream.sends("SSH-2.0-OpenSSH_9\r\n").ends();
    cause = "answered in SSH, not in HTTP";
  }
  scene.start();
  const Answer answer = scene.answer();
  CHECK(answer.reason.size() <= 200);
  CHECK_THAT(answer.reason, Contains(cause));
  CHECK_THAT(answer.reason, Contains("nn:3128 ") && Contains("nn:443)"));
  CHECK_THAT(scene.access_text(), Contains("upstream=" + proxy.label));
}

TEST_CASE("a plain request's failure also names a peer that does not speak HTTP") {
  struct Row {
    std::string reply;
    const char* cause;
  };
  const auto row = GENERATE(values<Row>({
      {"\x15\x03\x01\x00\x02\x02\x28"s, "answered in TLS, not in HTTP"},
      {"\x05\xff"s, "answered in SOCKS5, not in HTTP"},
      {"\x00\x5b\x00\x00\x00\x00\x00\x00"s, "answered in SOCKS4, not in HTTP"},
      {"SSH-2.0-OpenSSH_9\r\n", "answered in SSH, not in HTTP"},
      {"220 smtp ready\r\n", "did not answer in HTTP"},
  }));
  const bool by_bytes = GENERATE(false, true);
  const bool proxy = GENERATE(false, true);
  CAPTURE(row.cause, by_bytes, proxy);
  PlainScene::Options options;
  options.upstream = proxy ? "http://proxy.example" : "direct://";
  PlainScene scene(std::move(options));
  scene.send(crlf("GET http://a.example/ HTTP/1.1\nHost: a.example\n\n"));
  if (by_bytes && row.reply[0] != '\0') {
    // The first byte may be enough, and then the others are not read.
    for (const char c : row.reply) {
      scene.target().send({&c, 1});
      scene.settle();
    }
  } else {
    scene.answer(row.reply);
  }
  const std::string answer = scene.receive();
  CHECK_THAT(answer, Contains("HTTP/1.1 502 culvert: "s +
                              (proxy ? "upstream http://proxy.example:3128 (for a.example:80) "
                                     : "target a.example:80 ") +
                              row.cause + " - does the URL name the right protocol and port?\r\n"));
}

TEST_CASE("HTTP that goes wrong later is not taken for another protocol") {
  PlainScene scene;
  scene.send(crlf("GET http://a.example/ HTTP/1.1\nHost: a.example\n\n"));
  SECTION("behind an interim response") {
    scene.answer(crlf("HTTP/1.1 103 Early\n\n"));
    scene.receive();
    scene.answer("\x15\x03\x01");
    CHECK_THAT(scene.receive(), Contains("sent a bad answer: the head contains"));
  }
  SECTION("on a connection that has served") {
    scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 0\n\n"));
    scene.receive();
    scene.send(crlf("GET http://a.example/ HTTP/1.1\nHost: a.example\n\n"));
    scene.answer("\x15\x03\x01");
    CHECK_THAT(scene.receive(), Contains("sent a bad answer: the head contains"));
  }
}

namespace {

/// As long as such names are.
const HostPort kLongTarget = HostPort::parse("production-us-east-1.cdn.example.test:443").value();

UpstreamConfig with_real_name(UpstreamConfig config, const std::string& scheme) {
  config.label = scheme + "://proxy-eu-1.corp.example:1080";
  return config;
}

/// What PHP, which cuts a status line at 126 bytes, and others leave of the reason phrase.
std::string what_is_left(const Error& error) {
  return (std::string(kSigned) + error.text).substr(0, 110);
}

/// An attempt for a target with a long name.
struct LongAttempt : Attempt {
  explicit LongAttempt(UpstreamConfig config) : Attempt(std::move(config), 1s, kLongTarget) {}
  std::string left_of_reason() {
    dial->start();
    CHECK(turn_until(loop, [&] { return answers > 0; }));
    CHECK(!*result);
    return *result ? "" : what_is_left(result->error());
  }
};

}  // namespace

TEST_CASE("the cause is within the first 110 bytes: a proxy that cannot be connected to") {
  LongAttempt attempt(with_real_name(GENERATE(socks5, http)(), "socks5"));
  std::string cause;
  const auto fails = [&](int sys, const char* text) {
    attempt.transport->fails(sys).fails(sys);
    cause = text;
  };
  SECTION("refused") { fails(ECONNREFUSED, " refused the connection"); }
  SECTION("no route") { fails(EHOSTUNREACH, " cannot be reached: No route to host"); }
  SECTION("no port") { fails(EADDRNOTAVAIL, ": no local port is free for it"); }
  SECTION("blackhole") { fails(EINVAL, ": this machine has a blackhole route"); }
  SECTION("forbidden") { fails(EPERM, ": this machine forbids it"); }
  SECTION("no answer") { fails(ETIMEDOUT, " did not answer the connection"); }
  SECTION("silence") { attempt.transport->hangs(), cause = " did not accept the connection"; }
  SECTION("reset") { fails(ECONNRESET, " the connection at once"); }
  SECTION("no such name") {
    attempt.transport->fails(Error{Errc::dns_error, Side::upstream, 0,
                                   "does not resolve here: the name does not exist"});
    cause = " does not resolve here";
  }
  CHECK_THAT(attempt.left_of_reason(), Contains(cause));
}

TEST_CASE("the cause is within the first 110 bytes: SOCKS") {
  struct Row {
    std::string welcome, reply;
    const char* cause;
  };
  const std::string greeted = kSocks5Welcome;
  const auto row = GENERATE_COPY(values<Row>({
      {"\x05\xff", "", " wants credentials and none are configured"},
      {"\x05\x02", "", " insists on a user name and password"},
      {"HTTP/1.1 400 Bad\r\n", "", " answered in HTTP, not in SOCKS5"},
      {"220 mail\r\n", "", " did not answer in SOCKS5"},
      {greeted, "\x05\x01", " failed to reach"},
      {greeted, "\x05\x02", " does not allow"},
      {greeted, "\x05\x03", " is unreachable"},
      {greeted, "\x05\x04", " is unreachable or does not resolve"},
      {greeted, "\x05\x05", " refused the connection"},
      {greeted, "\x05\x06", " did not answer in time"},
      {greeted, "\x05\x07", " does not serve CONNECT"},
      {greeted, "\x05\x08", " does not take the kind of address"},
      {greeted, "\x05\xf0", " says the descriptor of the onion service was not found"},
      {greeted, "\x07", " with nonsense"},
      {greeted, "", " closed the connection instead of answering"},
  }));
  CAPTURE(row.cause);
  LongAttempt attempt(with_real_name(socks5(), "socks5"));
  attempt.transport->connects(attempt.far);
  attempt.far.expects(kSocks5Greeting).sends(row.welcome);
  if (row.welcome == greeted)
    attempt.far.expects("\x05\x01\x00\x03\x25"s + kLongTarget.host + "\x01\xbb").sends(row.reply);
  attempt.far.ends();
  CHECK_THAT(attempt.left_of_reason(), Contains(row.cause));
}

TEST_CASE("the cause is within the first 110 bytes: HTTP") {
  const auto [reply, cause] = GENERATE(table<const char*, const char*>({
      {"HTTP/1.1 403 Forbidden\r\n\r\n", " answered 403 Forbidden"},
      {"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", " answered 407 Proxy Authentication"},
      {"HTTP/1.1 405 Method Not Allowed\r\n\r\n", " answered 405 Method Not Allowed"},
      {"HTTP/1.1 503 Service Unavailable\r\n\r\n", " answered 503 Service Unavailable"},
      {"HTTP/1.1 101 Switching Protocols\r\n\r\n", " answered 101"},
      {"SSH-2.0-OpenSSH_9.2\r\n", " answered in SSH, not in HTTP"},
      {"220 mail\r\n", " did not answer in HTTP"},
      {"HTTP/1.1 200", " in the middle of its answer"},
      {"", " closed the connection instead of answering"},
  }));
  CAPTURE(cause);
  LongAttempt attempt(with_real_name(http(), "http"));
  Peer again{attempt.loop};
  attempt.transport->connects(attempt.far).connects(again);
  attempt.far.sends(reply).ends();
  CHECK_THAT(attempt.left_of_reason(), Contains(cause));
}

TEST_CASE("the cause is within the first 110 bytes: TLS") {
  LongAttempt attempt(with_real_name(https(), "https"));
  attempt.upstream.tls = trusting_context();
  Peer again{attempt.loop};
  attempt.transport->connects(attempt.far).connects(again);
  std::optional<TlsServer> proxy;
  std::optional<TlsAuthority> corp;
  std::string cause;
  SECTION("plain HTTP") {
    attempt.far.sends("HTTP/1.1 400 Bad Request\r\n\r\n");
    cause = " does not speak TLS";
  }
  SECTION("an end") {
    attempt.far.ends();
    cause = " closed the connection during the TLS handshake";
  }
  SECTION("silence") { cause = " did not finish the TLS handshake within 1.0 s"; }
  SECTION("an unknown CA") {
    corp.emplace("Example Corporation Proxy CA 2");
    proxy.emplace(attempt.far, make_server_context(corp->issue("proxy.example")));
    cause = " has a certificate from a CA that is not in ?ca=";
  }
  SECTION("another name") {
    proxy.emplace(attempt.far, make_server_context(authority().issue("gateway.corp.example")));
    cause = " has no certificate for proxy.example";
  }
  SECTION("too old") {
    proxy.emplace(attempt.far, make_server_context(authority().issue("proxy.example", true)));
    cause = " has a certificate that expired on 20";
  }
  CHECK_THAT(attempt.left_of_reason(), Contains(cause));
}

TEST_CASE("the cause is within the first 110 bytes: several upstreams") {
  RouteScene scene;
  scene.add(with_real_name(socks5(), "socks5"));
  scene.add(with_real_name(http(), "http"));
  scene.proxy(0).fails(ECONNREFUSED);
  scene.proxy(1).fails(EHOSTUNREACH);
  auto& request = scene.ask(kLongTarget, {.hold = 0ms});
  REQUIRE(turn_until(scene.loop, [&] { return request.done(); }));
  CHECK_THAT(what_is_left(request.error()),
             Contains("2 upstreams failed: ") && Contains(" refused the connection"));
}

TEST_CASE("the cause is within the first 110 bytes: a plain request") {
  UpstreamConnection connection;
  Upstream upstream;
  upstream.config = with_real_name(http(), "http");
  connection.upstream = &upstream;
  connection.to_proxy = GENERATE(false, true);
  CHECK((std::string(kSigned) + connection.name_for(kLongTarget) + " did not answer").size() <=
        110);
}
