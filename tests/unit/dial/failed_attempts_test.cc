#include "dial/failed_attempts.h"

#include <deque>
#include <string>

#include "codec/clause.h"
#include "dial/upstream.h"
#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

const HostPort kTarget = HostPort::parse("gcr.io:443").value();

/// Upstreams of a route whose attempts fail.
struct Attempts {
  void fails(const std::string& label, const std::string& cause, Errc code) {
    Upstream& upstream = upstreams.emplace_back();
    upstream.config.label = label;
    attempts.add({&upstream, cause, {code, Side::upstream, 0, "upstream " + label + " " + cause}});
  }

  std::deque<Upstream> upstreams;
  FailedAttempts attempts;
};

}  // namespace

TEST_CASE("the only attempt that failed is reported as it is") {
  Attempts route;
  route.fails("socks5://a:1080", "refused the connection", Errc::connection_refused);
  const Error error = route.attempts.summary(kTarget, 12s);
  CHECK(error.text == "upstream socks5://a:1080 refused the connection");
  CHECK(error.detail == "");
  CHECK(route.attempts.list() ==
        "attempts failed: upstream socks5://a:1080 refused the connection");
}

TEST_CASE("of several attempts each cause is told, the most specific first") {
  Attempts route;
  route.fails("socks5://a:1080", "refused the connection", Errc::connection_refused);
  route.fails("http://b:3128", "answered 403", Errc::upstream_denied);
  route.fails("socks5://c:1", "no answer in 4.0 s", Errc::connection_timeout);
  const Error error = route.attempts.summary(kTarget, {});
  CHECK(error.code == Errc::upstream_denied);
  CHECK(error.text ==
        "3 upstreams failed: http://b:3128 answered 403; socks5://a:1080 refused the connection; "
        "socks5://c:1 no answer in 4.0 s (for gcr.io:443)");
  CHECK(error.detail ==
        "upstream socks5://a:1080 refused the connection; upstream http://b:3128 answered 403; "
        "upstream socks5://c:1 no answer in 4.0 s");
  CHECK(route.attempts.list() == "attempts failed: " + error.detail);
  CHECK_THAT(route.attempts.summary(kTarget, 12s).text,
             EndsWith("no answer in 4.0 s - waited 12.0 s (for gcr.io:443)"));
}

TEST_CASE("an upstream that the last pass had no time for keeps the cause of the one before") {
  Attempts before;
  before.fails("socks5://a:1080", "refused the connection", Errc::connection_refused);
  before.fails("socks5://b:1080", "refused the connection", Errc::connection_refused);
  FailedAttempts last;
  last.add({&before.upstreams[0],
            "no answer in 8.0 s",
            {Errc::connection_timeout, Side::upstream, 0, "no answer"}});
  last.complete_with(before.attempts);
  CHECK(last.size() == 2);
  CHECK(last.summary(kTarget, {}).text ==
        "2 upstreams failed: socks5://b:1080 refused the connection; socks5://a:1080 no answer in "
        "8.0 s (for gcr.io:443)");
}

TEST_CASE("an upstream that was not tried does not stand for the others") {
  Attempts route;
  route.fails("socks5://a:1080", "refused the connection", Errc::connection_refused);
  Upstream other;
  other.config.label = "http://b:3128";
  route.attempts.add({&other,
                      "not tried, it keeps failing",
                      {Errc::upstreams_down, Side::upstream, 0, ""},
                      false});
  const Error error = route.attempts.summary(kTarget, {});
  CHECK(error.code == Errc::connection_refused);
  CHECK(error.text ==
        "2 upstreams failed: socks5://a:1080 refused the connection; http://b:3128 not tried, it "
        "keeps failing (for gcr.io:443)");
}

TEST_CASE("names and causes of any length leave room for each other") {
  const HostPort target = HostPort::from(std::string(60, 't') + ".example", 443).value();
  const std::size_t count =
      GENERATE(std::size_t{2}, std::size_t{3}, std::size_t{4}, std::size_t{9}, std::size_t{40});
  const std::size_t length = GENERATE(std::size_t{15}, std::size_t{45}, std::size_t{300});
  CAPTURE(count, length);
  Attempts route;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = "socks5://" + std::string(length, 'n') + ":1080";
    route.fails(name, "refused the connection", Errc::connection_refused);
  }
  const std::string text = route.attempts.summary(target, 12s).text;
  CAPTURE(text);
  CHECK(text.size() <= kMostOfText);
  CHECK_THAT(text, StartsWith(std::to_string(count) + " upstreams failed: socks5"));
  CHECK_THAT(text, EndsWith(" - waited 12.0 s (for ttttttttttttttt..ttt.example:443)"));
  CHECK((std::string(kSigned) + text).find("refused the connection") + 22 <= 110);
  if (count > 4) CHECK_THAT(text, Contains(" more, see log"));
}

TEST_CASE("a short cause leaves its room to a long one") {
  Attempts route;
  const std::string reason = "answered 503 " + std::string(60, 'r');
  route.fails("http://a:1", "refused", Errc::connection_refused);
  route.fails("http://b:1", reason, Errc::destination_unavailable);
  CHECK(route.attempts.summary(kTarget, {}).text == "2 upstreams failed: http://b:1 " +
                                                        reason.substr(0, 66) +
                                                        "...; http://a:1 refused (for gcr.io:443)");
  route.fails("http://c:1", std::string(200, 'x'), Errc::connection_timeout);
  CHECK_THAT(route.attempts.summary(kTarget, {}).text,
             Contains("...; http://a:1 refused; http://c:1 xxx"));
}
