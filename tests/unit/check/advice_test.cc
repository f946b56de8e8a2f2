#include "check/advice.h"

#include <string>
#include <string_view>

#include "codec/clause.h"
#include "support/catch.h"

using namespace culvert;

namespace {

using Kind = UpstreamConfig::Kind;

HostPort host(std::string_view text) { return HostPort::parse(text).value(); }

UpstreamConfig upstream(Kind kind, std::string_view address, bool login = false) {
  UpstreamConfig config;
  config.kind = kind;
  config.label = std::string("proxy://").append(address);
  if (kind != Kind::direct) config.address = host(address);
  if (login) config.credentials = Credentials{"me", Secret("hush")};
  return config;
}

const UpstreamConfig kTunnel = upstream(Kind::socks5, "127.0.0.1:1080");
const UpstreamConfig kSocks = upstream(Kind::socks5, "proxy.example:1080");
const UpstreamConfig kHttp = upstream(Kind::http, "proxy.example:3128");
const UpstreamConfig kHttps = upstream(Kind::https, "proxy.example:3129");
const UpstreamConfig kLogin = upstream(Kind::http, "proxy.example:3128", true);
const UpstreamConfig kSocksLogin = upstream(Kind::socks5, "proxy.example:1080", true);
const UpstreamConfig kLocal = [] {
  UpstreamConfig config = upstream(Kind::socks5, "proxy.example:1080");
  config.resolve_local = true;
  return config;
}();
const UpstreamConfig kDirect = upstream(Kind::direct, "");

DialFailure at_proxy(DialPhase phase, Errc code, std::string text) {
  return {.cause = upstream_fault(code, std::move(text)), .phase = phase};
}

DialFailure beyond(Errc code, std::string text, Side side = Side::target) {
  HandshakeFailure cause = target_fault(code, std::move(text));
  cause.side = side;
  return {.cause = std::move(cause), .phase = DialPhase::request};
}

DialFailure in_vain(DialFailure failure) {
  failure.waited = std::chrono::milliseconds(4'000);
  return failure;
}

DialFailure doubted(DialFailure failure) {
  failure.doubted = true;
  return failure;
}

DialFailure of_target(Errc code, std::string text) {
  return {.cause = target_fault(code, std::move(text)),
          .phase = DialPhase::connect,
          .subject = DialFailure::Subject::target};
}

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("each failure has its cause and its fix") {
  struct Case {
    const char* world;
    DialFailure failure;
    const UpstreamConfig& upstream;
    bool about_upstream;
    const char* cause;
    const char* fix;
  };
  const Case cases[] = {
      {"nothing listens at a tunnel's end",
       at_proxy(DialPhase::connect, Errc::connection_refused, "refused the connection"), kTunnel,
       true, "nothing listens at 127.0.0.1:1080", "ssh -N -D 127.0.0.1:1080 USER@HOST"},
      {"nothing listens at a proxy",
       at_proxy(DialPhase::connect, Errc::connection_refused, "refused the connection"), kHttp,
       true, "nothing listens at proxy.example:3128", "start the proxy at proxy.example:3128"},
      {"packets vanish",
       in_vain(
           at_proxy(DialPhase::connect, Errc::connection_timeout, "did not accept the connection")),
       kSocks, true, "no answer from proxy.example:1080, it did not accept the connection within",
       "nc -vz proxy.example 1080"},
      {"no such name", at_proxy(DialPhase::connect, Errc::dns_error, "does not resolve here"),
       kHttp, true, "its name does not resolve here", "getent hosts proxy.example"},
      {"nothing behind the port",
       at_proxy(DialPhase::connect, Errc::connection_terminated,
                "closed the connection at once - is the program behind its port up?"),
       kHttp, true, "proxy.example:3128", "start the proxy at proxy.example:3128"},
      {"an HTTP proxy given as socks5",
       at_proxy(DialPhase::greeting, Errc::upstream_protocol_error,
                "answers in HTTP, not in SOCKS5 - write http://"),
       kSocks, true, "it answers in HTTP, not in SOCKS5", "--upstream http://proxy.example:1080"},
      {"the same, which says so itself",
       at_proxy(DialPhase::greeting, Errc::upstream_protocol_error,
                "answered in HTTP, not in SOCKS5 - does the URL name the right protocol and port?"),
       kSocksLogin, true, "it answered in HTTP",
       "--upstream http://USER:PASSWORD@proxy.example:1080"},
      {"a SOCKS server given as http",
       at_proxy(DialPhase::greeting, Errc::upstream_protocol_error,
                "answers in SOCKS5, not in HTTP - write socks5://"),
       kHttp, true, "it answers in SOCKS5", "--upstream socks5://proxy.example:3128"},
      {"a TLS server given as http",
       at_proxy(DialPhase::greeting, Errc::upstream_protocol_error,
                "answers in TLS, not in HTTP - write https://"),
       kHttp, true, "it answers in TLS", "--upstream https://proxy.example:3128"},
      {"a plain server given as https",
       at_proxy(DialPhase::tls, Errc::tls_protocol_error,
                "does not speak TLS - write http:// if it is a plain HTTP proxy"),
       kHttps, true, "it does not speak TLS", "--upstream http://proxy.example:3129"},
      {"an SSH server",
       at_proxy(DialPhase::request, Errc::upstream_protocol_error,
                "answered in SSH, not in HTTP - does the URL name the right protocol and port?"),
       kHttp, true, "it answered in SSH", "ssh -N -D 127.0.0.1:1080 -p 3128 USER@proxy.example"},
      {"an untrusted certificate",
       at_proxy(DialPhase::tls, Errc::tls_certificate_error,
                "has a certificate from an unknown CA, \"Corp\" - name that CA's file with ?ca="),
       kHttps, true, "unknown CA, \"Corp\"", "--upstream 'https://proxy.example:3129?ca=FILE.pem'"},
      {"an expired certificate",
       at_proxy(DialPhase::tls, Errc::tls_certificate_error,
                "has a certificate that expired on 2021-01-01 - this machine's clock says 2026"),
       kHttps, true, "expired on 2021-01-01", "date  # "},
      {"a certificate for another name",
       at_proxy(DialPhase::tls, Errc::tls_certificate_error,
                "has no certificate for gcr.io, but for a.example, b.example - name the right one "
                "with ?sni="),
       kHttps, true, "but for a.example", "--upstream 'https://proxy.example:3129?sni=a.example'"},
      {"a wrong password",
       at_proxy(DialPhase::authentication, Errc::upstream_auth_failed,
                "refused our user name or password"),
       kSocksLogin, true, "password is wrong",
       "--upstream socks5://USER:PASSWORD@proxy.example:1080"},
      {"the same, HTTP",
       at_proxy(DialPhase::request, Errc::upstream_auth_failed,
                "answered 407 for gcr.io:443 - check user and password"),
       kLogin, true, "password is wrong", "--upstream http://USER:PASSWORD@proxy.example:3128"},
      {"a password that is needed",
       at_proxy(DialPhase::greeting, Errc::upstream_auth_failed,
                "wants credentials and none are configured"),
       kSocks, true, "it wants a user and password", "?password-file=FILE"},
      {"the same, HTTP",
       at_proxy(DialPhase::request, Errc::upstream_auth_failed,
                "answered 407 for gcr.io:443 - it wants a user and password"),
       kHttp, true, "it wants a user and password", "--upstream http://USER:PASSWORD@"},
      {"a password that is not wanted",
       at_proxy(DialPhase::greeting, Errc::upstream_auth_failed,
                "takes no user name and password (ssh -D never does)"),
       kSocksLogin, true, "takes no user and password", "--upstream socks5://proxy.example:1080"},
      {"NTLM alone",
       at_proxy(DialPhase::request, Errc::upstream_auth_failed,
                "answered 407 for gcr.io:443 - it takes only NTLM, and we have Basic"),
       kHttp, true, "NTLM", "cntlm -f -I -u USER -d DOMAIN -l 127.0.0.1:3129 proxy.example 3128"},
      {"Negotiate and NTLM",
       at_proxy(DialPhase::request, Errc::upstream_auth_failed,
                "answered 407 for gcr.io:443 - it takes only Negotiate, NTLM, and we have Basic"),
       kHttp, true, "Negotiate, NTLM", "cntlm -f -I"},
      {"Digest alone",
       at_proxy(DialPhase::request, Errc::upstream_auth_failed,
                "answered 407 for gcr.io:443 - it takes only Digest, and we have Basic"),
       kHttp, true, "it takes only Digest, and we have Basic",
       "px --proxy=proxy.example:3128 --port=3129"},
      {"a name that is looked up here",
       {.cause = target_fault(Errc::dns_error, "does not resolve here (resolve=local)"),
        .phase = DialPhase::lookup,
        .subject = DialFailure::Subject::target},
       kLocal,
       false,
       "gcr.io:443 does not resolve here: with resolve=local this machine's own resolver",
       "--upstream socks5://proxy.example:1080  # then the far end looks gcr.io up"},
      {"it hangs in its greeting",
       in_vain(
           at_proxy(DialPhase::greeting, Errc::connection_timeout, "did not answer the greeting")),
       kTunnel, true, "accepts connections, but it did not answer the greeting within 4.0 s",
       "ssh -N -D 127.0.0.1:1080 USER@HOST"},
      {"it closes",
       doubted(at_proxy(DialPhase::request, Errc::connection_terminated,
                        "closed the connection instead of answering for gcr.io:443")),
       kHttp, true, "no proxy of that kind", "--upstream http://HOST:PORT"},
      {"a name that the far end does not know",
       beyond(Errc::destination_unavailable,
              "says gcr.io:443 is unreachable or does not resolve (SOCKS reply 4)"),
       kSocks, false, "does not resolve", "getent hosts gcr.io"},
      {"refused at the far end",
       beyond(Errc::connection_refused, "says gcr.io:443 refused the connection (SOCKS reply 5)"),
       kSocks, false, "gcr.io:443 refused the connection", "nc -vz gcr.io 443"},
      {"refused beyond squid",
       beyond(Errc::destination_unavailable,
              "answered 503: connection refused, ERR_CONNECT_FAIL 111 for gcr.io:443"),
       kHttp, false, "connection refused", "nc -vz gcr.io 443  # on the far end: nothing listens"},
      {"no way beyond squid",
       beyond(Errc::destination_unavailable,
              "answered 503: no route to host, ERR_CONNECT_FAIL 113 for gcr.io:443"),
       kHttp, false, "no route to host", "nc -vz gcr.io 443  # on the far end"},
      {"refused beyond another culvert",
       beyond(Errc::destination_unavailable,
              "answered 503 target gcr.io:443 refused the connection (direct)"),
       kHttp, false, "refused the connection", "nc -vz gcr.io 443  # on the far end"},
      {"451", beyond(Errc::destination_unavailable, "answered 451 Unavailable for gcr.io:443"),
       kHttp, false, "its rules forbid it", "--route 'gcr.io=OTHER'"},
      {"429",
       beyond(Errc::destination_unavailable,
              "answered 429 Too Many for gcr.io:443 - it asks to try again in 30 s"),
       kHttp, false, "limits how often", "check again in 30 s"},
      {"429, at any time",
       beyond(Errc::destination_unavailable, "answered 429 Too Many for gcr.io:443"), kHttp, false,
       "limits how often", "check again later"},
      {"a web server, 400",
       beyond(Errc::destination_unavailable,
              "answered 400 Bad Request for gcr.io:443 - does it serve CONNECT?"),
       kHttp, false, "may be a web server, not a proxy", "--upstream http://HOST:PORT"},
      {"a web server, 404",
       beyond(Errc::destination_unavailable, "answered 404 Not Found for gcr.io:443"), kHttp, false,
       "may be a web server, not a proxy", "--upstream http://HOST:PORT"},
      {"a web server, 405",
       beyond(Errc::upstream_unsupported, "answered 405 for gcr.io:443 - does it serve CONNECT?"),
       kHttp, false, "may be a web server, not a proxy", "--upstream http://HOST:PORT"},
      {"ssh -D says no",
       beyond(Errc::connection_terminated,
              "closed the connection instead of answering for gcr.io:443 - ssh -D does this when "
              "the far end cannot resolve or reach it, or forbids it"),
       kTunnel, false, "ssh -D does so", "ssh USER@HOST nc -vz gcr.io 443"},
      {"it greets and hangs",
       in_vain(beyond(Errc::connection_timeout, "did not answer the request", Side::upstream)),
       kTunnel, false, "it took the request for gcr.io:443 and hangs",
       "ssh -N -D 127.0.0.1:1080 USER@HOST"},
      {"403 by policy",
       beyond(Errc::upstream_denied, "answered 403: its rules deny access for gcr.io:443",
              Side::upstream),
       kHttp, false, "its rules deny access", "--route 'gcr.io=OTHER'"},
      {"a sign-in",
       beyond(Errc::upstream_wants_sign_in,
              "answered 302: it wants a sign-in at login.example for gcr.io:443", Side::upstream),
       kHttp, false, "a sign-in at login.example", "sign in with a browser"},
      {"direct, and refused", of_target(Errc::connection_refused, "refused the connection"),
       kDirect, false, "gcr.io:443 refused the connection", "nc -vz gcr.io 443"},
      {"direct, and no name", of_target(Errc::dns_error, "does not resolve here"), kDirect, false,
       "gcr.io:443 does not resolve here", "--upstream socks5://127.0.0.1:1080"},
      {"direct, and no answer",
       of_target(Errc::connection_timeout, "did not accept the connection"), kDirect, false,
       "gcr.io:443 did not accept", "ssh -N -D 127.0.0.1:1080 USER@HOST"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.world);
    const Advice advice = advice_for(one.failure, one.upstream, host("gcr.io:443"));
    CHECK(is_about_upstream(one.failure, one.upstream) == one.about_upstream);
    CAPTURE(advice.cause, advice.fix);
    CHECK(holds(advice.cause, one.cause));
    CHECK(holds(advice.fix, one.fix));
    CHECK_FALSE(holds(advice.cause + advice.fix, "hush"));
    CHECK_FALSE(holds(advice.cause + advice.fix, "{"));
  }
}

TEST_CASE("the name of an address is not looked up") {
  const auto advice =
      advice_for(beyond(Errc::destination_unavailable, "says 192.0.2.7:80 is unreachable"), kSocks,
                 host("192.0.2.7:80"));
  CHECK(advice.fix.starts_with("nc -vz 192.0.2.7 80  # on the far end"));
}

TEST_CASE("a program that speaks NTLM for us does not go through the chain") {
  const DialFailure ntlm =
      at_proxy(DialPhase::request, Errc::upstream_auth_failed,
               "answered 407 for gcr.io:443 - it takes only NTLM, and we have Basic");
  UpstreamConfig chained = kHttp;
  chained.via = "hop";
  const auto advice = advice_for(ntlm, chained, host("gcr.io:443"));
  CHECK(holds(advice.fix,
              "--upstream http://127.0.0.1:3129; that goes to proxy.example:3128 from "
              "here, not via hop"));
  CHECK_FALSE(holds(advice_for(ntlm, kHttp, host("gcr.io:443")).fix, "via"));
}

TEST_CASE("a fix of an upstream keeps the others of its file, in one comment") {
  Config config;
  config.upstreams = {kLogin, kTunnel};
  config.upstreams[0].name = "office";
  config.upstreams[1].name = "b";
  config.upstream_given = true;
  config.upstream_count = 2;
  config.upstream_origin = "g.toml:1: upstream";
  config.file = "g.toml";
  const auto wrong = at_proxy(DialPhase::request, Errc::upstream_auth_failed,
                              "answered 407 for gcr.io:443 - check user and password");
  CHECK(advice_for(wrong, config.upstreams[0], host("gcr.io:443"), &config).fix ==
        "upstream = [\"office=http://USER:PASSWORD@proxy.example:3128\", "
        "\"b=socks5://127.0.0.1:1080\"]  # in g.toml; or ?password-file=FILE");
  const auto lost = of_target(Errc::dns_error, "does not resolve here");
  CHECK(holds(advice_for(lost, kDirect, host("gcr.io:443"), &config).fix,
              "add the upstream socks5://127.0.0.1:1080 to the others"));
}

TEST_CASE("a failure that no row knows has a cause and a fix, too") {
  for (std::size_t i = 0; i < kErrcCount; ++i) {
    const Errc code = static_cast<Errc>(i);
    for (const UpstreamConfig* config : {&kTunnel, &kHttp, &kHttps, &kDirect}) {
      for (const DialPhase phase : {DialPhase::connect, DialPhase::tls, DialPhase::request}) {
        const auto advice = advice_for(at_proxy(phase, code, "failed"), *config, host("a.b:1"));
        CHECK_FALSE(advice.cause.empty());
        CHECK_FALSE(advice.fix.empty());
        CHECK_FALSE(holds(advice.cause + advice.fix, "{"));
      }
    }
  }
}

TEST_CASE("the proxy of a chain's next upstream cannot be reached") {
  const auto advice = advice_beyond(
      beyond(Errc::connection_refused, "says p:3128 refused the connection"), kSocks, kHttp);
  CHECK(holds(advice.cause, "through which it is reached: says p:3128 refused the connection"));
  CHECK(holds(advice.fix, "start the proxy at proxy.example:3128"));
}

TEST_CASE("a connection that was granted too early") {
  const auto advice = early_end_advice(kSocks, host("gcr.io:443"), "closed the connection at once");
  CHECK(holds(advice.cause, "it said yes to gcr.io:443 and closed the connection at once"));
  CHECK(holds(advice.fix, "proxy.example:1080"));
}
