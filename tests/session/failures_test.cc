// Upstreams that fail: the client's response.
#include "support/catch.h"
#include "support/fake_names.h"
#include "support/session_scene.h"
#include "support/tls_server.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

/// The answer to a CONNECT in `scene`, which has to name upstream and target.
Answer ask(Scene& scene) {
  scene.client.sends(std::string(kConnect)).ends();
  scene.start();
  const Answer answer = scene.answer();
  CHECK_THAT(answer.reason, Contains("gcr.io:443"));
  CHECK_THAT(answer.reason, Contains(scene.config.upstreams[0].label));
  CHECK_THAT(scene.access_text(), Contains(" stage=dial status=" + std::to_string(answer.status)));
  return answer;
}

using Messages = std::vector<std::string>;

struct Case {
  Messages sends;  // one to each of ours, then the end
  int status;
  std::string reason;
};

void check_replies(UpstreamConfig (*upstream)(), const Messages& ours,
                   const std::vector<Case>& cases) {
  for (const Case& test : cases) {
    for (const Pace& pace : {Pace{}, Pace{true, 1}}) {
      CAPTURE(shown(test.sends.back()), to_string(pace));
      Scene scene({}, pace);
      scene.add(upstream());
      for (std::size_t i = 0; i < test.sends.size(); ++i) {
        scene.upstream.expects(ours[i]).sends(test.sends[i]);
      }
      scene.upstream.ends();
      const Answer answer = ask(scene);
      CHECK(answer.status == test.status);
      CHECK_THAT(answer.reason, Contains(test.reason));
    }
  }
}

const std::string kGreetingWithPassword = "\x05\x01\x02"s;
const std::string kPassword = "\x01\x05"s + "alice\x04hush";

}  // namespace

TEST_CASE("a target or proxy that cannot be connected to") {
  const auto [sys, status, reason] = GENERATE(table<int, int, std::string>({
      {ECONNREFUSED, 502, "refused the connection"},
      {ENETUNREACH, 502, "cannot be reached: Network is unreachable"},
      {EHOSTUNREACH, 502, "cannot be reached: No route to host"},
      {ETIMEDOUT, 504, "did not answer the connection"},
      {ECONNRESET, 502, "reset the connection"},
      {EMFILE, 503, "no file descriptors are left"},
      {EPERM, 502, "Operation not permitted"},
  }));
  const bool through_proxy = GENERATE(false, true);
  const bool later = GENERATE(false, true);
  Scene scene;
  scene.add(through_proxy ? socks5() : direct());
  scene.transport->later(later).fails(sys).fails(sys);
  const Answer answer = ask(scene);
  CHECK(answer.status == status);
  CHECK_THAT(answer.reason, Contains(reason));
  if (sys == ECONNREFUSED && through_proxy) CHECK_THAT(answer.reason, Contains("is the tunnel up"));
}

TEST_CASE("failure replies of a SOCKS5 proxy") {
  const auto reply = [](char code) { return Messages{"\x05\x00"s, "\x05"s + code}; };
  check_replies(socks5, {kSocks5Greeting, kSocks5Request},
                {{{""}, 502, "closed the connection during the greeting"},
                 {{"\x05"}, 502, "in the middle of its greeting"},
                 {{"\x05\xff"}, 502, "wants credentials and none are configured"},
                 {{"\x05\x02"}, 502, "insists on a user name and password"},
                 {{"\x05\x01"}, 502, "authentication method 1"},
                 {{"HTTP/1.1 400 Bad Request\r\n\r\n"}, 502, "answered in HTTP"},
                 {{"SSH-2.0-OpenSSH_9.2\r\n"}, 502, "answered in SSH"},
                 {{"nonsense"}, 502, "did not answer in SOCKS5"},
                 {{"\x05\x00"s, ""}, 502, "ssh -D does this when the far end cannot resolve"},
                 {{"\x05\x00"s, "\x05"}, 502, "in the middle of its answer"},
                 {{"\x05\x00"s, "\x04"}, 502, "nonsense"},
                 {reply(1), 502, "often a name that does not resolve"},
                 {reply(2), 403, "does not allow"},
                 {reply(3), 502, "unreachable"},
                 {reply(4), 502, "unreachable or does not resolve"},
                 {reply(5), 502, "refused the connection"},
                 {reply(6), 504, "did not answer in time"},
                 {reply(7), 502, "does not serve CONNECT"},
                 {reply(8), 502, "kind of address"},
                 {reply(99), 502, "SOCKS reply 99"}});
}

TEST_CASE("a SOCKS5 proxy's replies to our password") {
  check_replies([] { return socks5_as("alice", "hush"); },
                {kGreetingWithPassword, kPassword, kSocks5Request},
                {{{""}, 502, "closed the connection during the greeting"},
                 {{"\x05\xff"}, 502, "takes no user name and password"},
                 {{"\x05\x02", ""}, 502, "after our user name and password"},
                 {{"\x05\x02", "\x01\x01"}, 502, "refused our user name or password"},
                 {{"\x05\x02", "\x01\x00"s, "\x05\x02"}, 403, "wrong password"}});
}

TEST_CASE("failure replies of a SOCKS4a proxy") {
  check_replies(socks4a, {"\x04\x01\x01\xbb\x00\x00\x00\x01\x00gcr.io\x00"s},
                {{{""}, 502, "closed the connection instead of answering"},
                 {{"\x00\x5b"s}, 502, "rejected or failed to reach"},
                 {{"\x00\x5c"s}, 502, "identd"},
                 {{"\x00\x5a\x00"s}, 502, "in the middle of its answer"},
                 {{"HTTP/1.1 400 Bad Request\r\n\r\n"}, 502, "answered in HTTP"}});
}

TEST_CASE("failure replies of an HTTP proxy") {
  check_replies(
      http, {std::string(kConnect)},
      {{{""}, 502, "closed the connection instead of answering"},
       {{"HTTP/1.1 403 Forbidden\r\n\r\n"}, 403, "answered 403 Forbidden"},
       {{"HTTP/1.1 407 Who are you\r\n\r\n"}, 502, "407"},
       {{"HTTP/1.1 502 Bad Gateway\r\n\r\n"}, 502, "answered 502 Bad Gateway"},
       {{"HTTP/1.1 504 Gateway Time-out\r\n\r\n"}, 504, "answered 504"},
       {{"HTTP/1.1 405 Method Not Allowed\r\n\r\n"}, 502, "does it serve CONNECT"},
       {{"HTTP/1.1 200 O"}, 502, "in the middle of its answer"},
       {{"HTTP/1.1 101 Switching Protocols\r\n\r\n"}, 502, "101"},
       {{"SSH-2.0-OpenSSH_9.2\r\n"}, 502, "answered in SSH"},
       {{"\x15\x03\x01\x00\x02\x02\x28"s}, 502, "answered in TLS"},
       {{"HTTP/1.1 401 Who are you\r\n\r\n"}, 502, "it wants a user and password"},
       {{"HTTP/1.1 302 Found\r\nLocation: http://login.corp/?u=1\r\n\r\n"},
        502,
        "answered 302: it wants a sign-in at login.corp (Found) for"},
       {{"HTTP/1.1 502 No\r\n\r\nno tunnel\r\n"}, 502, "answered 502: no tunnel (No) for"},
       {{"HTTP/1.1 502 No\r\n\r\nno tunnel"}, 502, "answered 502: no tunnel (No) for"},
       {{"\r\nHTTP/1.1 200 OK\r\n\r\n"}, 502, "sent an empty line before its status line"},
       {{"HTTP/1.1 200 OK\n\rX: y\n\n"}, 502, "malformed"},
       {{"HTTP/1.1 500 \x1b[31mred\r\n\r\n"}, 502, "answered 500 ?[31mred for"}});
}

TEST_CASE("a proxy that resets is reported as one that closes, with the error") {
  Scene scene;
  scene.add(GENERATE(socks5, socks4a, http)());
  scene.upstream.resets();
  scene.transport->connects(scene.upstream).fails(ECONNRESET);
  const Answer answer = ask(scene);
  CHECK(answer.status == 502);
  CHECK_THAT(answer.reason, Contains("closed the connection") && Contains("reset by peer"));
}

TEST_CASE("an HTTPS proxy that is none, or not the one we trust") {
  static const TlsAuthority authority;
  Scene scene;
  Upstream& upstream = scene.add(https());
  upstream.tls = TlsClientContext::make({.ca = authority.file(), .cert = {}, .key = {}}).value();
  std::optional<TlsServer> proxy;
  std::string reason;
  SECTION("plain HTTP") {
    scene.upstream.sends("HTTP/1.1 400 Bad Request\r\n\r\n");
    reason = "does not speak TLS - write http:// (for gcr.io:443)";
  }
  SECTION("closed") {
    scene.upstream.ends();
    reason = "closed the connection during the TLS handshake";
  }
  SECTION("another name") {
    proxy.emplace(scene.upstream, make_server_context(authority.issue("other.example")));
    reason = "has no certificate for proxy.example, but for other.example - name the right one";
  }
  SECTION("another authority") {
    const TlsAuthority stranger;
    proxy.emplace(scene.upstream, make_server_context(stranger.issue("proxy.example")));
    reason = "has a certificate from a CA that is not in ?ca=, 'test authority ";
  }
  SECTION("it wants a certificate of ours, and says so when TLS 1.3 is through for us") {
    proxy.emplace(scene.upstream, make_server_context(authority.issue("proxy.example"),
                                                      {.client_ca = authority.file()}));
    reason = "failed the TLS handshake: tlsv13 alert certificate required - give ?cert= and ?key=";
  }
  const Answer answer = ask(scene);
  CHECK(answer.status == 502);
  CHECK_THAT(answer.reason, Contains(reason));
  CHECK(upstream.health->breaker().down_since().has_value());
}

TEST_CASE("each phase has its deadline, and the answer names the phase") {
  Scene scene;
  UpstreamConfig config = socks5_as("alice", "hush");
  scene.config.connect_timeout = 200ms;
  std::string reason;
  std::string way;
  int status = 504;
  std::optional<HangingNames> names;
  SECTION("connecting to the target") {
    config = direct();
    scene.transport->hangs();
    reason = "target gcr.io:443 did not accept the connection within 0.2 s";
    way = " s (direct)";
  }
  SECTION("connecting to the proxy") {
    scene.transport->hangs();
    reason = "upstream socks5://proxy.example:1080 did not accept the connection within 0.2 s";
  }
  SECTION("connecting to the proxy, with a shorter time of its own") {
    scene.config.connect_timeout = 10s;
    config.connect_timeout = 200ms;
    scene.transport->hangs();
    reason = "did not accept the connection within 0.2 s";
  }
  SECTION("TLS") {
    config = https();
    reason = "did not finish the TLS handshake within 0.2 s";
  }
  SECTION("greeting") { reason = "did not answer the greeting within 0.2 s"; }
  SECTION("authentication") {
    scene.upstream.expects(kGreetingWithPassword).sends("\x05\x02");
    reason = "did not answer the authentication within 0.2 s";
  }
  SECTION("request") {
    scene.upstream.expects(kGreetingWithPassword)
        .sends("\x05\x02")
        .expects(kPassword)
        .sends("\x01\x00"s);
    reason = "did not answer the request within 0.2 s";
  }
  SECTION("a proxy that does not even read") {
    scene.upstream.takes(1);
    reason = "did not answer the greeting within 0.2 s";
  }
  SECTION("an HTTP proxy that drips") {
    config = http();
    scene.upstream.sends("HTTP/1.1 200 OK\r\n");
    reason = "did not answer the request within 0.2 s";
  }
  const auto begun = scene.loop.now();
  Upstream& upstream = scene.add(config);
  if (config.kind == UpstreamConfig::Kind::https) {
    upstream.tls = TlsClientContext::make({}).value();
  }
  const Answer answer = ask(scene);
  CHECK(answer.status == status);
  CHECK_THAT(answer.reason, Contains(reason) && Contains(way));
  CHECK(scene.loop.now() - begun == 200ms);
  CHECK_FALSE(scene.upstream.open());
}

TEST_CASE("a long target name does not push the cause out of the reason phrase") {
  Scene scene;
  scene.add(socks5());
  const std::string name =
      std::string(60, 'a') + "." + std::string(60, 'b') + "." + std::string(60, 'c') + ".example";
  scene.client.sends("CONNECT " + name + ":443 HTTP/1.1\r\nHost: x\r\n\r\n").ends();
  answer_greeting(scene.upstream).expects("\x05\x01\x00\x03"s).sends(kSocks5Refused);
  scene.start();
  const Answer answer = scene.answer();
  CHECK_THAT(answer.reason,
             Contains("refused the connection") && Contains("aaaa") && Contains(".example:443"));
}
