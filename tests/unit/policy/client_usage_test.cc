#include "policy/client_usage.h"

#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;
using Entry = UsageTable::Entry;

namespace {

const UsageTable::Time kBegin{1h};

UsageKey key_of(const std::string& address) {
  return UsageKey::client(IpAddress::parse(address).value());
}

std::string numbered(int i) {
  return "10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." +
         std::to_string(i & 255);
}

}  // namespace

TEST_CASE("an IPv6 host has a /64, and a mapped address is IPv4") {
  CHECK(key_of("2001:db8::1").text() == key_of("2001:db8::2:3:4:5").text());
  CHECK(key_of("2001:db8::1").text() != key_of("2001:db8:0:1::1").text());
  CHECK(key_of("::ffff:10.0.0.1").text() == key_of("10.0.0.1").text());
  CHECK(key_of("10.0.0.1").text() != key_of("10.0.0.2").text());
  CHECK(UsageKey::user("ann").text() != UsageKey::user("anna").text());
}

TEST_CASE("no user is a client") {
  // Its name might have the bytes of any address.
  const std::string address = key_of("10.0.0.1").text();
  CHECK(UsageKey::user(address).text() != address);
  CHECK(UsageKey::user(address.substr(1)).text() != address);
}

TEST_CASE("connections of a client are served up to a number") {
  UsageTable table;
  const UsageKey client = key_of("10.0.0.1");
  std::deque<UsageTable::Place> places;
  for (int i = 0; i < 3; ++i) {
    places.push_back(table.enter(client, 3, kBegin));
    CHECK(places.back().entry() == Entry::served);
  }
  CHECK(table.enter(client, 3, kBegin).entry() == Entry::refused);
  CHECK(table.enter(key_of("10.0.0.2"), 3, kBegin).entry() == Entry::served);
  places.pop_front();
  CHECK(table.enter(client, 3, kBegin).entry() == Entry::served);
}

TEST_CASE("of refused ones so many are told, and they take nobody's place") {
  UsageTable table;
  const UsageKey client = key_of("10.0.0.1");
  auto served = table.enter(client, 1, kBegin);
  std::vector<UsageTable::Place> refused;
  for (std::uint32_t i = 0; i < UsageTable::kMostRefused; ++i) {
    refused.push_back(table.enter(client, 1, kBegin));
    CHECK(refused.back().entry() == Entry::refused);
  }
  const auto one_more = table.enter(client, 1, kBegin);
  CHECK(one_more.entry() == Entry::too_many);
  CHECK(one_more.usage() == nullptr);
  served = {};
  CHECK(table.enter(client, 1, kBegin).entry() == Entry::served);
}

TEST_CASE("a limit that becomes lower ends nothing, and counts what is there") {
  UsageTable table;
  const UsageKey client = key_of("10.0.0.1");
  std::vector<UsageTable::Place> places;
  for (int i = 0; i < 5; ++i) places.push_back(table.enter(client, 0, kBegin));
  CHECK(table.enter(client, 3, kBegin).entry() == Entry::refused);
  places.erase(places.begin(), places.begin() + 3);
  CHECK(table.enter(client, 3, kBegin).entry() == Entry::served);
}

TEST_CASE("a client that comes back at once finds its buckets as it left them") {
  UsageTable table;
  const UsageKey client = key_of("10.0.0.1");
  for (int i = 0; i < 5; ++i) {
    const auto place = table.enter(client, 0, kBegin);
    CHECK(place.usage()->requests.take(5, 1s, kBegin) == 0ns);
  }
  const auto place = table.enter(client, 0, kBegin);
  CHECK(place.usage()->requests.take(5, 1s, kBegin) == 200ms);
}

TEST_CASE("entries without connections do not pile up") {
  UsageTable table;
  for (int i = 0; i < 20'000; ++i) table.enter(key_of(numbered(i)), 0, kBegin);
  CHECK(table.size() <= 16 * 65);
}

TEST_CASE("nor do they if their buckets are not full") {
  UsageTable table;
  for (int i = 0; i < 50'000; ++i) {
    const auto place = table.enter(key_of(numbered(i)), 0, kBegin);
    place.usage()->requests.take(5, 1s, kBegin);
  }
  CHECK(table.size() <= 16 * (1024 + 65));
}

TEST_CASE("entries with connections stay") {
  UsageTable table;
  std::vector<UsageTable::Place> places;
  for (int i = 0; i < 5'000; ++i) places.push_back(table.enter(key_of(numbered(i)), 1, kBegin));
  for (int i = 5'000; i < 20'000; ++i) table.enter(key_of(numbered(i)), 1, kBegin);
  for (int i = 0; i < 5'000; ++i) {
    REQUIRE(table.enter(key_of(numbered(i)), 1, kBegin).entry() == Entry::refused);
  }
}

TEST_CASE("a place may be moved, and is left once") {
  UsageTable table;
  const UsageKey client = key_of("10.0.0.1");
  auto place = table.enter(client, 0, kBegin);
  ClientUsage& usage = *place.usage();
  UsageTable::Place other = std::move(place);
  CHECK(place.usage() == nullptr);
  CHECK(usage.served == 1);
  other = table.enter(client, 0, kBegin);
  CHECK(usage.served == 1);
  other = {};
  CHECK(usage.served == 0);
}

TEST_CASE("threads enter and leave, and all is as it was") {
  UsageTable table;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&table, thread] {
      std::deque<UsageTable::Place> places;
      for (int i = 0; i < 3'000; ++i) {
        places.push_back(table.enter(key_of(numbered((i * 7 + thread) % 300)), 20, kBegin));
        if (ClientUsage* usage = places.back().usage()) usage->requests.take(100, 1s, kBegin);
        if (places.size() > 50) places.pop_front();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 300; ++i) {
    const auto place = table.enter(key_of(numbered(i)), 1, kBegin);
    REQUIRE(place.entry() == Entry::served);
    REQUIRE(place.usage()->served == 1);
    REQUIRE(place.usage()->refused == 0);
  }
}
