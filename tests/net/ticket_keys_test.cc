// Keys of session tickets: how long each seals and opens.
#include "net/ticket_keys.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;

namespace {

std::atomic<std::int64_t> minutes;
TicketKeys::Clock::time_point manual_time() {
  return TicketKeys::Clock::time_point(std::chrono::minutes(minutes));
}

std::atomic<bool> has_randomness;
/// One key's name is still to be had.
bool scarce_bytes(std::span<unsigned char> bytes) {
  static unsigned char count = 0;
  std::fill(bytes.begin(), bytes.end(), ++count);
  return has_randomness || bytes.size() == 16;
}

bool same(const TicketKeys::Key& one, const TicketKeys::Key& other) {
  return one.name == other.name && one.cipher == other.cipher && one.mac == other.mac;
}

}  // namespace

TEST_CASE("a key seals for an hour, and opens for one more") {
  minutes = 1000;
  TicketKeys keys(manual_time);
  const TicketKeys::Key first = keys.current().value();
  minutes += 59;
  CHECK(same(keys.current().value(), first));
  REQUIRE(keys.find(first.name));
  CHECK(keys.find(first.name)->current);
  minutes += 1;
  const TicketKeys::Key second = keys.current().value();
  CHECK_FALSE(same(first, second));
  CHECK(first.cipher != second.cipher);
  CHECK(first.mac != second.mac);
  REQUIRE(keys.find(first.name));
  CHECK_FALSE(keys.find(first.name)->current);
  CHECK(same(keys.find(first.name)->key, first));
  minutes += 60;
  CHECK_FALSE(keys.find(first.name));
  REQUIRE(keys.find(second.name));
  minutes += 120;
  CHECK_FALSE(keys.find(second.name));
}

TEST_CASE("a key that is not ours opens nothing") {
  TicketKeys keys;
  TicketKeys other;
  CHECK_FALSE(keys.find(other.current().value().name));
}

TEST_CASE(
    "without randomness nothing is sealed, and there is a key again as soon as there can be") {
  minutes = 0;
  has_randomness = true;
  TicketKeys keys(manual_time, scarce_bytes);
  const TicketKeys::Key first = keys.current().value();
  minutes = 61;
  has_randomness = false;
  CHECK_FALSE(keys.current());
  // What was sealed before is opened for as long as ever, and a name of zeros or of a key that was
  // half made opens nothing.
  REQUIRE(keys.find(first.name));
  CHECK_FALSE(keys.find(first.name)->current);
  CHECK_FALSE(keys.find(std::array<unsigned char, 16>{}));
  minutes = 119;
  CHECK(keys.find(first.name));
  minutes = 120;
  CHECK_FALSE(keys.find(first.name));
  has_randomness = true;
  REQUIRE(keys.current());
  CHECK(keys.find(keys.current()->name)->current);
  has_randomness = false;
  CHECK(keys.current());
  const TicketKeys none(manual_time, scarce_bytes);
}

TEST_CASE("threads share the keys while they rotate") {
  minutes = 0;
  TicketKeys keys(manual_time);
  std::vector<std::thread> threads;
  std::atomic<int> lost = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 2000; ++round) {
        const TicketKeys::Key key = keys.current().value();
        if (round % 100 == 0) minutes += 15;
        const auto found = keys.find(key.name);
        if (found && !same(found->key, key)) ++lost;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(lost == 0);
}
