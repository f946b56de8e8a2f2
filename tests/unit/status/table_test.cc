#include "status/table.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "support/catch.h"

using namespace culvert;
using Catch::Matchers::Contains;

namespace {

using Lines = std::vector<std::string>;

ShownTunnel tunnel(std::string target, std::string state = "moving") {
  ShownTunnel out;
  out.id = 17;
  out.client = "127.0.0.1:50123";
  out.method = "CONNECT";
  out.target = std::move(target);
  out.upstream = "tunnel";
  out.stage = "tunnel";
  out.state = std::move(state);
  out.age = 65;
  out.bytes_up = 4'096;
  out.bytes_down = 312'345'678;
  out.rate = 2'100'000;
  return out;
}

ShownFailure failure() {
  ShownFailure out;
  out.id = 18;
  out.time = "2026-11-30T03:20:01.000Z";
  out.client = "127.0.0.1:50124";
  out.method = "CONNECT";
  out.target = "k8s.gcr.io:443";
  out.upstream = "tunnel";
  out.status = 502;
  out.outcome = "connection_refused";
  out.explanation = "upstream socks5://127.0.0.1:1080 refused the connection";
  out.hint = "is the tunnel up?";
  return out;
}

Overview overview() {
  Overview out;
  ShownStatus& status = out.status;
  status.version = "0.1.0";
  status.state = "serving";
  status.ready = true;
  status.pid = 4242;
  status.uptime = 11'520;
  status.listeners = {"http://127.0.0.1:3128"};
  status.connections = 5;
  status.tunnels = 3;
  status.requests_ok = 12;
  status.requests_failed = 1;
  status.bytes_down = 4'512'345'678;
  status.rate_down = 2'100'000;
  status.history_down = {0, 500'000, 2'100'000};
  ShownUpstream upstream;
  upstream.name = "tunnel";
  upstream.label = "socks5://127.0.0.1:1080";
  upstream.state = "up";
  upstream.tunnels = 2;
  upstream.connected = 5;
  upstream.connect_ms = {12, 15, 11};
  out.upstreams = {upstream};
  out.tunnels = {1, 1, {tunnel("gcr.io:443")}};
  out.failures = {failure()};
  return out;
}

TableView view(std::size_t width, std::size_t height = 0, bool utf8 = true) {
  return {{width, utf8, false}, height, {}, {}};
}

std::string joined(const Lines& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

}  // namespace

TEST_CASE("the table of a proxy that is well") {
  CHECK(overview_lines(overview(), view(120)) ==
        Lines{
            "culvert 0.1.0  serving, ready  pid 4242  up 3h12m",
            "  listening on http://127.0.0.1:3128",
            "  5 connections, 3 tunnels; requests: 12 ok, 1 failed",
            "  down 2.1 MB/s ▁▃█ 4.5 GB  up        -  0 B",
            "",
            "UPSTREAM                        STATE  CONNECT  TUNNELS  DOWN   UP  OK  FAILED  TREND",
            "tunnel socks5://127.0.0.1:1080  up       11 ms        2   0 B  0 B   5       0  ▇█▆",
            "",
            "TARGET      CLIENT           VIA       AGE      RATE    DOWN      UP  LAST  WHO WAITS",
            "gcr.io:443  127.0.0.1:50123  tunnel  1m05s  2.1 MB/s  312 MB  4.0 kB    0s  moving",
            "",
            "FAILURES (UTC)",
            "03:20:01  502 connection_refused  CONNECT k8s.gcr.io:443 from 127.0.0.1:50124 via "
            "tunnel",
            "      upstream socks5://127.0.0.1:1080 refused the connection",
            "      hint: is the tunnel up?",
        });
}

TEST_CASE("what is not well is told with its reason") {
  Overview facts = overview();
  facts.status.ready = false;
  facts.status.not_ready_reason = "upstream tunnel is down";
  facts.status.unhealthy_reason = "worker 2 does not turn";
  facts.status.stalled = 2;
  facts.status.held = 1;
  facts.upstreams[0].state = "marked_down";
  facts.upstreams[0].down_for = 75;
  facts.upstreams[0].reason = "somebody has marked it down";
  const std::string text = joined(overview_lines(facts, view(100)));
  CHECK_THAT(text, Contains("serving, not ready"));
  CHECK_THAT(text, Contains("not ready: upstream tunnel is down\n"));
  CHECK_THAT(text, Contains("unhealthy: worker 2 does not turn\n"));
  CHECK_THAT(text, Contains("3 tunnels, 2 stalled, 1 held;"));
  CHECK_THAT(text, Contains("marked down 1m15s"));
  CHECK_THAT(text, Contains("\n      somebody has marked it down\n"));
  facts.status.state = "draining";
  TableView noted = view(100);
  noted.note = "the culvert of process 7 is not there; waiting for it";
  const Lines lines = overview_lines(facts, noted);
  CHECK(lines[0] == noted.note);
  CHECK_THAT(lines[1], Contains("  draining  "));
}

TEST_CASE("each tunnel says who is not moving") {
  const auto who = [](ShownTunnel facts) {
    Overview all;
    all.tunnels = {1, 1, {std::move(facts)}};
    return overview_lines(all, view(200)).back();
  };
  const auto stalled = [&](const char* side, const char* what) {
    ShownTunnel facts = tunnel("a:1", "stalled");
    facts.stall_side = side;
    facts.stall_what = what;
    facts.stalled_for = 31;
    return who(facts);
  };
  CHECK_THAT(who(tunnel("a:1")), Catch::EndsWith("  moving"));
  CHECK_THAT(who(tunnel("a:1", "quiet")), Catch::EndsWith("  quiet"));
  CHECK_THAT(who(tunnel("a:1", "client_slow")), Catch::EndsWith("  client reads slowly"));
  CHECK_THAT(who(tunnel("a:1", "held")), Catch::EndsWith("  held until an upstream is back"));
  CHECK_THAT(stalled("client", "does_not_read"), Catch::EndsWith("  client does not read, 31s"));
  CHECK_THAT(stalled("upstream", "does_not_send"),
             Catch::EndsWith("  upstream does not send, 31s"));
  CHECK_THAT(stalled("upstream", "does_not_acknowledge"),
             Catch::EndsWith("  upstream does not ack, 31s"));
  ShownTunnel facts = tunnel("a:1", "connecting");
  facts.upstream.clear();
  CHECK_THAT(who(facts), Contains("  direct  "));
  facts.stage = "dial";
  facts.user = "bob";
  CHECK_THAT(who(facts), Contains("bob@127.0.0.1:50123  -  "));
  CHECK_THAT(who(facts), Catch::EndsWith("  connecting"));
}

TEST_CASE("whatever the terminal's size, all lines fit, and the first says what it is") {
  Overview facts = overview();
  facts.status.not_ready_reason = "a reason of some length that does not fit everywhere";
  facts.upstreams[0].reason = "another reason, which is long enough to be broken several times";
  for (int i = 0; i < 5; ++i) facts.upstreams.push_back(facts.upstreams[0]);
  facts.tunnels.tunnels.clear();
  for (int i = 0; i < 300; ++i) {
    facts.tunnels.tunnels.push_back(tunnel(i % 2 == 0 ? "例え.テスト.example:443" : "gcr.io:443"));
  }
  facts.tunnels.total = facts.tunnels.matching = 4'000;
  for (int i = 0; i < 9; ++i) facts.failures.push_back(failure());
  for (const bool utf8 : {true, false}) {
    for (const std::size_t width : {1UL, 2UL, 10UL, 20UL, 39UL, 40UL, 79UL, 80UL, 132UL, 300UL}) {
      for (const std::size_t height : {1UL, 2UL, 5UL, 10UL, 24UL, 50UL, 200UL}) {
        INFO(width << "x" << height);
        const Lines lines = overview_lines(facts, view(width, height, utf8));
        CHECK(lines.size() <= height);
        CHECK_FALSE(lines.empty());
        for (const std::string& line : lines) {
          CHECK(columns_of(line) <= width);
          CHECK(is_utf8(line));
          if (!utf8) {
            CHECK(std::none_of(line.begin(), line.end(), [](char c) { return (c & 0x80) != 0; }));
          }
        }
      }
    }
  }
  const Lines usual = overview_lines(facts, view(80, 24));
  CHECK(usual.size() > 20);
  CHECK_THAT(joined(usual), Contains(" more tunnels\n") && Contains(" more upstreams\n") &&
                                Contains(" more failures\n") && Contains("gcr.io:443"));
}

TEST_CASE("of more tunnels than are listed the others are counted") {
  Overview facts = overview();
  facts.tunnels.total = 4'000;
  facts.tunnels.matching = 12;
  CHECK_THAT(joined(overview_lines(facts, view(100))), Contains("  and 3999 more tunnels\n"));
  TableView filtered = view(100);
  filtered.filter = "gcr";
  const std::string text = joined(overview_lines(facts, filtered));
  CHECK_THAT(text, Contains("\n12 of 4000 tunnels have \"gcr\"\nTARGET "));
  CHECK_THAT(text, Contains("  and 11 more tunnels\n"));
}

TEST_CASE("without tunnels or failures there is nothing of them") {
  Overview facts = overview();
  facts.tunnels = {};
  facts.failures.clear();
  const Lines lines = overview_lines(facts, view(100));
  CHECK(lines.size() == 7);
  CHECK_THAT(lines.back(), Catch::StartsWith("tunnel "));
}

TEST_CASE("hostile names stay text") {
  const std::string hostile = "\x1b]0;owned\x07\x1b[2J\u202e\r\n\u009b31m\xff";
  Overview facts = overview();
  facts.status.version = facts.status.state = hostile;
  facts.status.not_ready_reason = facts.status.unhealthy_reason = hostile;
  facts.status.listeners = {hostile};
  facts.upstreams[0].name = facts.upstreams[0].label = hostile;
  facts.upstreams[0].state = facts.upstreams[0].reason = hostile;
  ShownTunnel& each = facts.tunnels.tunnels[0];
  each.target = each.client = each.user = each.upstream = each.state = each.stage = hostile;
  ShownFailure& failed = facts.failures[0];
  failed.time = failed.client = failed.method = failed.target = failed.upstream = hostile;
  failed.outcome = failed.explanation = failed.hint = failed.detail = hostile;
  TableView odd = view(150);
  odd.filter = odd.note = hostile;
  for (const std::string& line : overview_lines(facts, odd)) {
    INFO(line);
    CHECK(is_utf8(line));
    CHECK(std::none_of(line.begin(), line.end(),
                       [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }));
    CHECK(line.find("\u009b") == std::string::npos);
    CHECK(line.find("\u202e") == std::string::npos);
  }
}

TEST_CASE("a failure is what, why and a hint") {
  ShownFailure facts = failure();
  facts.upstream.clear();
  facts.detail = "a longer text";
  CHECK(failure_lines(facts, {60, true, false}) ==
        Lines{"03:20:01  502 connection_refused  CONNECT k8s.gcr.io:443 fr…",
              "      upstream socks5://127.0.0.1:1080 refused the", "      connection",
              "      detail: a longer text", "      hint: is the tunnel up?"});
}

TEST_CASE("a step of a trace") {
  const Json step = Json::object()
                        .set("session", std::int64_t{17})
                        .set("after_us", std::int64_t{12'034})
                        .set("step", "request of x:\nGET / HTTP/1.1\nHost: h\x1b[31m");
  CHECK(trace_lines(step, {80, false, false}) ==
        Lines{"17     12.034 ms  request of x:", "                  GET / HTTP/1.1",
              "                  Host: h?[31m"});
  const Json longer = Json::object().set("step", "one two three");
  CHECK(trace_lines(longer, {28, false, false}) ==
        Lines{"0      0.000 ms  one two", "                 three"});
}
