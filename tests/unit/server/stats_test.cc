#include "server/stats.h"

#include <limits>
#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

void add(Stats& stats, Outcome outcome, SessionStage stage = SessionStage::head,
         std::uint64_t up = 0, std::uint64_t down = 0) {
  SessionRecord record;
  record.stage = stage;
  record.bytes_up = up;
  record.bytes_down = down;
  record.finish(outcome, Side::client, {});
  stats.add(record);
}

/// What is said of the sizes.
std::string sizes(std::uint64_t up, std::uint64_t down) {
  Stats stats;
  add(stats, Outcome::Kind::ok, SessionStage::tunnel, up, down);
  const std::string summary = stats.summary();
  return summary.substr(summary.find("), ") + 3);
}

}  // namespace

TEST_CASE("nothing has been served at first") {
  const Stats stats;
  CHECK(stats.requests() == 0);
  CHECK(stats.requests(Outcome::Kind::ok) == 0);
  CHECK(stats.tunnels() == 0);
  CHECK(stats.exchanges() == 0);
  CHECK(stats.bytes_up() == 0);
  CHECK(stats.bytes_down() == 0);
}

TEST_CASE("requests are counted by outcome, and their bytes summed up") {
  Stats stats;
  add(stats, Outcome::Kind::ok, SessionStage::tunnel, 5'000'000'000, 7);
  add(stats, Outcome::Kind::ok, SessionStage::exchange, 1, 2);
  add(stats, Outcome::Kind::idle_timeout, SessionStage::tunnel, 10, 20);
  add(stats, Errc::http_response_incomplete, SessionStage::exchange, 100, 200);
  add(stats, Errc::connection_refused, SessionStage::dial);
  CHECK(stats.requests() == 5);
  CHECK(stats.requests(Outcome::Kind::ok) == 2);
  CHECK(stats.requests(Outcome::Kind::idle_timeout) == 1);
  CHECK(stats.requests(Outcome::Kind::half_open_timeout) == 0);
  CHECK(stats.requests(Errc::http_response_incomplete) == 1);
  CHECK(stats.requests(Errc::connection_refused) == 1);
  CHECK(stats.requests(Errc::dns_error) == 0);
  CHECK(stats.tunnels() == 2);
  CHECK(stats.exchanges() == 2);
  CHECK(stats.bytes_up() == 5'000'000'111);
  CHECK(stats.bytes_down() == 229);
}

TEST_CASE("every outcome has a count of its own") {
  std::vector<Outcome> outcomes = {Outcome::Kind::ok, Outcome::Kind::aborted,
                                   Outcome::Kind::idle_timeout, Outcome::Kind::half_open_timeout};
  for (std::size_t i = 0; i < kErrcCount; ++i) outcomes.emplace_back(static_cast<Errc>(i));
  for (const Outcome outcome : outcomes) {
    CAPTURE(outcome.name());
    Stats stats;
    add(stats, outcome);
    CHECK(stats.summary() ==
          "served 1 request (1 " + std::string(outcome.name()) + "), 0 B up, 0 B down");
    for (const Outcome other : outcomes) {
      CHECK(stats.requests(other) == (other.name() == outcome.name() ? 1 : 0));
    }
  }
}

TEST_CASE("the workers' sums add up") {
  Stats sum;
  Stats other;
  add(sum, Outcome::Kind::ok, SessionStage::tunnel, 1, 10);
  add(other, Outcome::Kind::ok, SessionStage::exchange, 2, 20);
  add(other, Errc::dns_error, SessionStage::dial, 4, 40);
  sum += other;
  CHECK(sum.requests() == 3);
  CHECK(sum.requests(Outcome::Kind::ok) == 2);
  CHECK(sum.requests(Errc::dns_error) == 1);
  CHECK(sum.tunnels() == 1);
  CHECK(sum.exchanges() == 1);
  CHECK(sum.bytes_up() == 7);
  CHECK(sum.bytes_down() == 70);
  CHECK(other.requests() == 2);
}

TEST_CASE("the summary has the most frequent outcome first") {
  Stats stats;
  add(stats, Outcome::Kind::idle_timeout);
  for (int i = 0; i < 3; ++i) add(stats, Errc::connection_refused);
  for (int i = 0; i < 2; ++i) add(stats, Errc::dns_error);
  add(stats, Outcome::Kind::ok, SessionStage::tunnel, 12'345'678, 517);
  CHECK(stats.summary() ==
        "served 7 requests (3 connection_refused, 2 dns_error, 1 ok, 1 idle_timeout), 12.3 MB up, "
        "517 B down");
}

TEST_CASE("sizes are rounded to a tenth of their unit") {
  CHECK(sizes(0, 1) == "0 B up, 1 B down");
  CHECK(sizes(999, 1000) == "999 B up, 1.0 kB down");
  CHECK(sizes(999'949, 999'950) == "999.9 kB up, 1.0 MB down");
  CHECK(sizes(4'540'000'000, 1'000'000'000'000) == "4.5 GB up, 1.0 TB down");
  CHECK(sizes(1'000'000'000'000'000, std::numeric_limits<std::uint64_t>::max()) ==
        "1.0 PB up, 18.4 EB down");
}

TEST_CASE("requests are counted by how they were asked, too") {
  Stats stats;
  const auto add_as = [&](std::string_view method, Outcome outcome) {
    SessionRecord record;
    record.set_method(method);
    record.finish(outcome, Side::client, {});
    stats.add(record);
  };
  for (const char* method : {"CONNECT", "SOCKS4", "SOCKS5", "GET", "BREW", ""}) {
    add_as(method, Outcome::Kind::ok);
  }
  add_as("CONNECT", Errc::dns_error);
  Stats sum = stats;
  sum += stats;
  CHECK(sum.requests(RequestKind::connect, Outcome::Kind::ok) == 2);
  CHECK(sum.requests(RequestKind::connect, Errc::dns_error) == 2);
  CHECK(sum.requests(RequestKind::socks, Outcome::Kind::ok) == 4);
  CHECK(sum.requests(RequestKind::plain, Outcome::Kind::ok) == 4);
  CHECK(sum.requests(RequestKind::none, Outcome::Kind::ok) == 2);
  CHECK(sum.requests(RequestKind::plain, Errc::dns_error) == 0);
  CHECK(sum.requests(Outcome::Kind::ok) == 12);
  CHECK(sum.requests() == 14);
}
