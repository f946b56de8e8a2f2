#include "admin/tunnel_query.h"

#include "base/text.h"
#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Key = TunnelQuery::Key;
using Ids = std::vector<std::uint64_t>;

namespace {

const Loop::Clock::time_point kStart{1'000s};

/// Four, in the order in which no key has them.
std::vector<SessionFacts> sessions() {
  std::vector<SessionFacts> all(4);
  const auto fill = [&](std::size_t i, std::uint64_t id, const std::string& client,
                        const std::string& target, const std::string& upstream) {
    all[i].id = id;
    all[i].client = client;
    all[i].target = target;
    all[i].upstream = upstream;
  };
  fill(0, 3, "127.0.0.1:50003", "gcr.io:443", "tunnel");
  fill(1, 1, "127.0.0.1:50004", "example.com:80", "");
  fill(2, 4, "10.0.0.9:1", "gcr.io:443", "direct");
  fill(3, 2, "unix", "Quay.IO:443", "tunnel");
  all[0].started = all[0].moved = kStart + 3s;
  all[1].started = all[1].moved = kStart + 1s;
  all[2].started = kStart + 4s;
  all[2].moved = kStart + 5s;
  all[3].started = kStart + 2s;
  all[3].moved = kStart + 9s;
  all[0].bytes_up = 5;
  all[1].bytes_down = 6;
  all[2].bytes_up = 1;
  all[2].bytes_down = 4;
  all[3].bytes_down = 100;
  all[0].state = SessionFacts::State::stalled;
  all[1].state = SessionFacts::State::connecting;
  all[2].state = SessionFacts::State::moving;
  all[3].state = SessionFacts::State::moving;
  return all;
}

Ids ids(const SelectedTunnels& selected) {
  Ids out;
  for (const SessionFacts* session : selected.page) out.push_back(session->id);
  return out;
}

Ids select(const std::string& query, const SessionRates& rates = {}) {
  const auto read = TunnelQuery::parse(query);
  REQUIRE(read);
  const std::vector<SessionFacts> all = sessions();
  return ids(select_tunnels(*read, all, rates));
}

std::string problem(const std::string& query) {
  const auto read = TunnelQuery::parse(query);
  REQUIRE_FALSE(read);
  CHECK(read.error().side == Side::client);
  return read.error().text;
}

}  // namespace

TEST_CASE("without parameters the fastest hundred are asked for") {
  const auto query = TunnelQuery::parse("");
  REQUIRE(query);
  CHECK(query->limit == 100);
  CHECK(query->offset == 0);
  CHECK(query->key == Key::rate);
  CHECK(query->descending);
  CHECK(query->filter.empty());
  CHECK_FALSE(query->ids);
}

TEST_CASE("parameters of a query") {
  const auto query = TunnelQuery::parse("limit=500&offset=70000&sort=client&filter=GCR.%69o&x=y");
  REQUIRE(query);
  CHECK(query->limit == 500);
  CHECK(query->offset == 70'000);
  CHECK(query->key == Key::client);
  CHECK_FALSE(query->descending);
  CHECK(query->filter == "gcr.io");
  CHECK(TunnelQuery::parse("sort=-quiet")->descending);
  CHECK(TunnelQuery::parse("limit=1")->limit == 1);
}

TEST_CASE("a list of ids is read in any order, and sets the limit to what it may have") {
  const auto query = TunnelQuery::parse("ids=18446744073709551615,2%2C1,2");
  REQUIRE(query);
  REQUIRE(query->ids);
  CHECK(*query->ids == Ids{1, 2, 2, 18'446'744'073'709'551'615U});
  CHECK(query->limit == TunnelQuery::kMost);
  CHECK(TunnelQuery::parse("ids=7&limit=3")->limit == 3);
  std::string most = "ids=1";
  for (std::size_t i = 1; i < TunnelQuery::kMost; ++i) most += ",1";
  CHECK(TunnelQuery::parse(most)->ids->size() == TunnelQuery::kMost);
  CHECK(problem(most + ",1") == "ids is a list of up to 500 numbers");
  for (const char* ids : {"", ",", "1,", ",1", "1,,2", "-1", "x", "1;2", "18446744073709551616"}) {
    CAPTURE(ids);
    CHECK(problem(concat({"ids=", ids})) == "ids is a list of up to 500 numbers");
  }
}

TEST_CASE("parameters that are wrong") {
  for (const char* limit : {"0", "501", "-1", "ten", "", "1.5", "99999999999999999999", "+5"}) {
    CAPTURE(limit);
    CHECK(problem(concat({"limit=", limit})) == "limit is a number from 1 to 500");
  }
  for (const char* offset : {"-1", "x", "", "99999999999999999999"}) {
    CAPTURE(offset);
    CHECK(problem(concat({"offset=", offset})) == "offset is a number");
  }
  for (const char* sort : {"", "-", "--id", "ID", "name", "id,age"}) {
    CAPTURE(sort);
    CHECK_THAT(problem(concat({"sort=", sort})), Contains("sort is one of id, age, rate"));
  }
}

TEST_CASE("a value that cannot be decoded is wrong, and not passed over") {
  CHECK(problem("limit=%zz") == "limit is a number from 1 to 500");
  CHECK(problem("offset=%") == "offset is a number");
  CHECK_THAT(problem("sort=%2"), Contains("sort is one of"));
  CHECK(TunnelQuery::parse("filter=100%")->filter == "100%");
}

TEST_CASE("tunnels in the order that is asked for, and of equal ones the older id first") {
  CHECK(select("sort=id") == Ids{1, 2, 3, 4});
  CHECK(select("sort=-id") == Ids{4, 3, 2, 1});
  CHECK(select("sort=age") == Ids{4, 3, 2, 1});
  CHECK(select("sort=-age") == Ids{1, 2, 3, 4});
  CHECK(select("sort=quiet") == Ids{2, 4, 3, 1});
  CHECK(select("sort=-quiet") == Ids{1, 3, 4, 2});
  CHECK(select("sort=bytes") == Ids{3, 4, 1, 2});
  CHECK(select("sort=-bytes") == Ids{2, 1, 3, 4});
  CHECK(select("sort=target") == Ids{2, 1, 3, 4});
  CHECK(select("sort=-target") == Ids{3, 4, 1, 2});
  CHECK(select("sort=client") == Ids{4, 3, 1, 2});
  CHECK(select("sort=upstream") == Ids{1, 4, 2, 3});
  CHECK(select("sort=-upstream") == Ids{2, 3, 4, 1});
  CHECK(select("sort=state") == Ids{1, 2, 4, 3});
  CHECK(select("sort=-state") == Ids{3, 2, 4, 1});
}

TEST_CASE("tunnels by their rate in both directions, which is 0 where none is known") {
  std::vector<SessionFacts> now = sessions();
  SessionRates rates;
  now.pop_back();
  rates.look(now, kStart);
  now[0].bytes_up += 600;
  now[1].bytes_up += 500;
  now[1].bytes_down += 200;
  rates.look(now, kStart + 1s);
  CHECK(select("", rates) == Ids{1, 3, 2, 4});
  CHECK(select("sort=rate", rates) == Ids{2, 4, 3, 1});
  CHECK(select("") == Ids{1, 2, 3, 4});
}

TEST_CASE("a page is what offset and limit leave, and all that match are counted") {
  CHECK(select("sort=id&limit=2") == Ids{1, 2});
  CHECK(select("sort=id&limit=2&offset=1") == Ids{2, 3});
  CHECK(select("sort=id&limit=2&offset=3") == Ids{4});
  CHECK(select("sort=id&offset=4").empty());
  CHECK(select("sort=id&offset=18446744073709551615").empty());
  const auto all = sessions();
  const auto query = TunnelQuery::parse("sort=id&limit=1&offset=1&filter=gcr");
  REQUIRE(query);
  const SelectedTunnels selected = select_tunnels(*query, all, {});
  CHECK(selected.matching == 2);
  CHECK(ids(selected) == Ids{4});
  CHECK(select_tunnels(*query, {}, {}).matching == 0);
}

TEST_CASE("a filter is a part of target, client or upstream, in any case") {
  CHECK(select("sort=id&filter=quay.io") == Ids{2});
  CHECK(select("sort=id&filter=QUAY") == Ids{2});
  CHECK(select("sort=id&filter=127.0.0.1") == Ids{1, 3});
  CHECK(select("sort=id&filter=tunnel") == Ids{2, 3});
  CHECK(select("sort=id&filter=%3A443") == Ids{2, 3, 4});
  CHECK(select("sort=id&filter=") == Ids{1, 2, 3, 4});
  CHECK(select("sort=id&filter=a+b").empty());
}

TEST_CASE("of the ids that are asked for those that there are, as far as the filter goes") {
  CHECK(select("sort=id&ids=4,1,17") == Ids{1, 4});
  CHECK(select("sort=-id&ids=1,1,4") == Ids{4, 1});
  CHECK(select("ids=17").empty());
  CHECK(select("sort=id&ids=1,3,4&filter=gcr") == Ids{3, 4});
  CHECK(select("sort=id&ids=1,3,4&limit=1&offset=1") == Ids{3});
  const auto all = sessions();
  CHECK(select_tunnels(*TunnelQuery::parse("ids=1,3,17"), all, {}).matching == 2);
}
