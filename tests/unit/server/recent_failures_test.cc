#include "server/recent_failures.h"

#include "support/catch.h"

using namespace culvert;

namespace {

SessionRecord record_of(std::uint64_t id, Outcome outcome, std::string_view detail = {},
                        Side closed_by = Side::upstream, SessionStage stage = SessionStage::dial) {
  SessionRecord record;
  record.begin(id, HostPort::parse("127.0.0.1:50124").value(), {});
  record.set_method("CONNECT");
  record.target = "gcr.io:443";
  record.stage = stage;
  record.status = 502;
  record.finish(outcome, closed_by, detail);
  return record;
}

std::vector<FailedRequest> all_since(const RecentFailures& failures, std::uint64_t number = 0) {
  std::vector<FailedRequest> out;
  failures.copy_since(number, out);
  return out;
}

}  // namespace

TEST_CASE("a failed request is kept with all that explains it") {
  RecentFailures failures;
  Upstream upstream;
  upstream.config.name = "tunnel";
  SessionRecord record = record_of(18, Errc::connection_refused, "upstream refused");
  record.upstream = &upstream;
  record.set_more("the first one did this; the second one did that");
  record.set_failures("attempts failed: a; b");
  failures.add(record);
  CHECK(failures.last() == 1);
  const auto kept = all_since(failures);
  REQUIRE(kept.size() == 1);
  const FailedRequest& failure = kept[0];
  CHECK(failure.number == 1);
  CHECK(failure.id == 18);
  CHECK(failure.client == "127.0.0.1:50124");
  CHECK(failure.method == "CONNECT");
  CHECK(failure.target == "gcr.io:443");
  CHECK(failure.upstream == "tunnel");
  CHECK(failure.status == 502);
  CHECK(failure.outcome == "connection_refused");
  CHECK(failure.stage == "dial");
  CHECK(failure.explanation == "upstream refused");
  CHECK(failure.hint == meaning_of(Errc::connection_refused).hint);
  CHECK(failure.detail == "the first one did this; the second one did that; attempts failed: a; b");
  CHECK(std::chrono::system_clock::now() - failure.time < std::chrono::minutes(1));
}

TEST_CASE("the next request of a connection has nothing of the last one's failure") {
  RecentFailures failures;
  SessionRecord record = record_of(1, Errc::dns_error, "no such name");
  record.set_more("more");
  record.next_request();
  record.finish(Errc::http_request_error, Side::client, {});
  failures.add(record);
  const auto kept = all_since(failures);
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].explanation.empty());
  CHECK(kept[0].detail.empty());
  CHECK(kept[0].target.empty());
}

TEST_CASE("what its client has ended or given up is not among them") {
  RecentFailures failures;
  failures.add(record_of(1, Errc::canceled));
  failures.add(record_of(1, Errc::proxy_auth_required));
  failures.add(
      record_of(1, Errc::connection_terminated, "reset", Side::client, SessionStage::tunnel));
  CHECK(failures.last() == 0);
  CHECK(all_since(failures).empty());
  failures.add(
      record_of(2, Outcome::Kind::stalled, "nothing moved", Side::local, SessionStage::tunnel));
  failures.add(
      record_of(3, Errc::connection_terminated, "reset", Side::upstream, SessionStage::tunnel));
  const auto kept = all_since(failures);
  REQUIRE(kept.size() == 2);
  CHECK(kept[0].outcome == "stalled");
  CHECK(kept[0].hint.empty());
  CHECK(kept[1].stage == "tunnel");
}

TEST_CASE("the last fifty are kept, and those after a number can be asked for") {
  RecentFailures failures;
  for (std::uint64_t id = 1; id <= 3; ++id) failures.add(record_of(id, Errc::dns_error));
  CHECK(all_since(failures).size() == 3);
  CHECK(all_since(failures, 3).empty());
  CHECK(all_since(failures, 99).empty());
  for (std::uint64_t id = 4; id <= 120; ++id) failures.add(record_of(id, Errc::dns_error));
  CHECK(failures.last() == 120);
  const auto kept = all_since(failures);
  REQUIRE(kept.size() == RecentFailures::kMost);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    CHECK(kept[i].number == 71 + i);
    CHECK(kept[i].id == kept[i].number);
  }
  const auto newest = all_since(failures, 118);
  REQUIRE(newest.size() == 2);
  CHECK(newest[0].number == 119);
}

TEST_CASE("names and texts of any length are cut") {
  RecentFailures failures;
  SessionRecord record = record_of(1, Errc::dns_error, std::string(10'000, 'x'));
  record.target = std::string(60'000, 'y');
  record.set_method(std::string(60'000, 'M'));
  record.set_more(std::string(60'000, 'z'));
  failures.add(record);
  const FailedRequest kept = all_since(failures)[0];
  CHECK(kept.method.size() + kept.target.size() + kept.explanation.size() + kept.detail.size() <
        3'000);
}
