#include "dial/dial_text.h"

#include <string>

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Subject = DialFailure::Subject;

namespace {

const HostPort kTarget = HostPort::parse("gcr.io:443").value();

UpstreamConfig upstream(UpstreamConfig::Kind kind = UpstreamConfig::Kind::socks5) {
  UpstreamConfig config;
  config.kind = kind;
  config.label = "socks5://p:1080";
  return config;
}

DialFailure failure(std::string clause, Subject subject = Subject::upstream,
                    DialPhase phase = DialPhase::request) {
  return {
      .cause = {{Errc::connection_terminated, Side::upstream, 0, std::move(clause)}},
      .phase = phase,
      .subject = subject,
  };
}

std::string text(const DialFailure& why, DialPurpose purpose = DialPurpose::tunnel) {
  return describe(why, upstream(), kTarget, purpose);
}

}  // namespace

TEST_CASE("a sentence names the upstream and the target, each once") {
  DialFailure why = failure("hung up");
  CHECK(text(why) == "upstream socks5://p:1080 hung up (for gcr.io:443)");
  why.cause.text = "hung up on gcr.io:443";
  why.cause.names_target = true;
  CHECK(text(why) == "upstream socks5://p:1080 hung up on gcr.io:443");
  CHECK(text(failure("does not resolve here", Subject::target)) ==
        "target gcr.io:443 does not resolve here");
}

TEST_CASE("a label that looks like the target does not take its place") {
  UpstreamConfig config = upstream();
  config.label = "socks5://gcr.io:4430";
  CHECK(describe(failure("hung up"), config, kTarget, DialPurpose::tunnel) ==
        "upstream socks5://gcr.io:4430 hung up (for gcr.io:443)");
}

TEST_CASE("a hop leaves the target to the dial that waits for it") {
  CHECK(text(failure("hung up"), DialPurpose::hop) == "upstream socks5://p:1080 hung up");
  CHECK(text(failure("upstream a hung up", Subject::hop), DialPurpose::hop) ==
        "upstream a hung up");
  CHECK(text(failure("upstream a hung up", Subject::hop)) ==
        "upstream socks5://p:1080 is out of reach for gcr.io:443: upstream a hung up");
}

TEST_CASE("of a hop whose failure fills the text, the target is still named") {
  const std::string cause(400, 'x');
  CHECK_THAT(text(failure(cause, Subject::hop)),
             EndsWith("xxx, on the way to socks5://p:1080 (for gcr.io:443)"));
}

TEST_CASE("a long name of a target stands behind the cause, and before the advice") {
  const HostPort target = HostPort::parse("production-us-east-1.cdn.example.test:443").value();
  const auto text_for = [&](const std::string& clause, bool names_target) {
    DialFailure why = failure(clause);
    why.cause.names_target = names_target;
    return describe(why, upstream(), target, DialPurpose::tunnel);
  };
  const std::string place = " (for production-us-east-1.cdn.example.test:443)";
  CHECK(text_for("says " + target.to_string() + " refused the connection (SOCKS reply 5)", true) ==
        "upstream socks5://p:1080 says the target refused the connection (SOCKS reply 5)" + place);
  CHECK(text_for("answered 405 for " + target.to_string() + " - does it serve CONNECT?", true) ==
        "upstream socks5://p:1080 answered 405" + place + " - does it serve CONNECT?");
  CHECK(text_for("hung up - why?", false) ==
        "upstream socks5://p:1080 hung up" + place + " - why?");
}

TEST_CASE("of a hop with a long name the cause comes first") {
  const std::string hop = "upstream socks5://jump.corp.example:1080";
  UpstreamConfig config = upstream();
  config.label = "socks5://proxy-eu-1.corp.example:1080";
  DialFailure why = failure(hop + " refused the connection - is the tunnel up?", Subject::hop);
  CHECK(describe(why, config, kTarget, DialPurpose::tunnel) ==
        hop + " refused the connection, on the way to " + config.label +
            " - is the tunnel up? (for gcr.io:443)");
  CHECK(describe(why, config, kTarget, DialPurpose::hop) ==
        hop + " refused the connection - is the tunnel up?");
}

TEST_CASE("a proxy that was never heard of is asked for its protocol") {
  UpstreamConfig config = upstream();
  const auto text_for = [&](UpstreamConfig::Kind kind, DialFailure why) {
    config.kind = kind;
    why.doubted = true;
    return describe(why, config, kTarget, DialPurpose::tunnel);
  };
  using Kind = UpstreamConfig::Kind;
  DialFailure silent =
      failure("did not answer the greeting", Subject::upstream, DialPhase::greeting);
  silent.cause.code = Errc::connection_timeout;
  silent.waited = 12s;
  CHECK(
      text_for(Kind::socks5, silent) ==
      "upstream socks5://p:1080 did not answer the greeting within 12.0 s - is it a SOCKS5 proxy? "
      "(an HTTP proxy would wait like this) (for gcr.io:443)");
  silent.phase = DialPhase::request;
  CHECK_THAT(text_for(Kind::socks4a, silent), Contains(" - is it a SOCKS4a proxy? (an HTTP proxy"));
  CHECK_THAT(text_for(Kind::http, silent), Contains("12.0 s - is it an HTTP proxy? (for gcr"));
  silent.phase = DialPhase::tls;
  CHECK_THAT(text_for(Kind::https, silent), Contains("12.0 s - does it speak TLS? (for gcr"));
  const DialFailure closed = failure("closed the connection");
  CHECK(text_for(Kind::http, closed) ==
        "upstream socks5://p:1080 closed the connection - is it an HTTP proxy? (ssh -D and TLS "
        "servers close like this) (for gcr.io:443)");
  CHECK(text_for(Kind::socks5, closed) ==
        "upstream socks5://p:1080 closed the connection (for gcr.io:443)");
  CHECK(text_for(Kind::http, failure("closed - why?")) ==
        "upstream socks5://p:1080 closed - why? (for gcr.io:443)");
}

TEST_CASE("a proxy that refuses makes think of its tunnel, a target that is refused does not") {
  DialFailure why = failure("refused the connection", Subject::upstream, DialPhase::connect);
  why.cause.code = Errc::connection_refused;
  CHECK(text(why) ==
        "upstream socks5://p:1080 refused the connection - is the tunnel up? (for gcr.io:443)");
  why.phase = DialPhase::request;
  CHECK(text(why) == "upstream socks5://p:1080 refused the connection (for gcr.io:443)");
}

TEST_CASE("a failure of a direct connection is named so") {
  const auto direct = upstream(UpstreamConfig::Kind::direct);
  CHECK(describe(failure("hung up", Subject::target), direct, kTarget, DialPurpose::tunnel) ==
        "target gcr.io:443 hung up (direct)");
}

TEST_CASE("what was waited for has its time behind it") {
  DialFailure why = failure(timeout_clause(DialPhase::greeting));
  why.waited = 4s;
  CHECK(text(why) ==
        "upstream socks5://p:1080 did not answer the greeting within 4.0 s (for gcr.io:443)");
  CHECK(timeout_clause(DialPhase::tls) == "did not finish the TLS handshake");
}

TEST_CASE("what a held request waits for, and has waited for") {
  UpstreamConfig config = upstream();
  CHECK(describe_missing(config, Missing::name) ==
        "socks5://p:1080 (its name does not resolve yet)");
  CHECK(describe_missing(config, Missing::program) ==
        "socks5://p:1080 (nothing is behind its port yet)");
  config.via_index = 0;
  CHECK(describe_missing(config, Missing::route) ==
        "socks5://p:1080 (on the way to it: there is no route to it yet)");
  const auto waited = [](Missing missing) { return with_wait({}, missing, 12s).text; };
  CHECK(waited(Missing::listener) == " - waited 12.0 s for its port");
  CHECK(waited(Missing::name) == " - waited 12.0 s for its name");
  CHECK(waited(Missing::route) == " - waited 12.0 s for a route to it");
  CHECK(waited(Missing::program) == " - waited 12.0 s for the program behind its port");
}

TEST_CASE("a cause in a few words has neither target nor advice") {
  const auto words = [](const DialFailure& why) { return short_cause(why, kTarget); };
  CHECK(words(failure("refused the connection - is the tunnel up?")) == "refused the connection");
  CHECK(words(failure("answered 407 for gcr.io:443 - give a password")) == "answered 407");
  CHECK(words(failure("says gcr.io:443 refused the connection (SOCKS reply 5)")) ==
        "says the target refused the connection");
  CHECK(words(failure("refused the connection", Subject::target)) ==
        "the target refused the connection");
  CHECK(words(failure("upstream socks5://b:1 refused the connection", Subject::hop)) ==
        "is out of reach: socks5://b:1 refused the connection");
  DialFailure late = failure("did not answer the greeting");
  late.cause.code = Errc::connection_timeout;
  late.waited = 4s;
  CHECK(words(late) == "no answer in 4.0 s");
  late.phase = DialPhase::tls;
  CHECK(words(late) == "no TLS answer in 4.0 s");
  late.cause = {{Errc::dns_timeout, Side::upstream, 0, "did not resolve here"}};
  CHECK(words(late) == "did not resolve here in 4.0 s");
  late.cause.text = "upstream a did not accept the connection";
  late.subject = Subject::hop;
  CHECK(words(late) == "is out of reach: a did not accept the connection");
}

TEST_CASE("an upstream that rests is reported with why it failed last") {
  const auto text = [](std::string_view cause) {
    return resting_error(upstream(), "35.0 s", cause, kTarget).text;
  };
  CHECK(text("no answer in 4.0 s") ==
        "upstream socks5://p:1080 has been down for 35.0 s: no answer in 4.0 s - it is asked again "
        "later (for gcr.io:443)");
  CHECK(text("") ==
        "upstream socks5://p:1080 has been down for 35.0 s - it is asked again later (for "
        "gcr.io:443)");
}

TEST_CASE("an Error has the cause's code, side and errno") {
  DialFailure why = failure("reset the connection");
  why.cause.sys = 104;
  const Error error = to_error(why, upstream(), kTarget, DialPurpose::tunnel);
  CHECK(error.code == Errc::connection_terminated);
  CHECK(error.side == Side::upstream);
  CHECK(error.sys == 104);
  CHECK(error.text == text(why));
}

TEST_CASE("the time of each phase that began") {
  using Time = DialTimes::Time;
  DialTimes times{.begun = Time(1s)};
  CHECK(describe(times, Time(1s + 5ms)) == "connect 5 ms");
  times.connected = Time(1s + 12ms);
  CHECK(describe(times, Time(2s)) == "connect 12 ms");
  times.phase = DialPhase::tls;
  CHECK(describe(times, Time(1s + 20ms)) == "connect 12 ms, TLS 8 ms");
  times.secured = Time(1s + 42ms);
  times.phase = DialPhase::request;
  CHECK(describe(times, Time(1s + 142ms)) == "connect 12 ms, TLS 30 ms, handshake 100 ms");
  times.secured = {};
  CHECK(describe(times, Time(1s + 112ms)) == "connect 12 ms, handshake 100 ms");
  times.pooled = true;
  CHECK(describe(times, Time(1s + 7ms)) == "warm, handshake 7 ms");
}
