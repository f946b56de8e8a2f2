#include "policy/stall_rule.h"

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;
using News = StallCase::News;

namespace {

constexpr auto kLimit = 30s;
const StallCase::Time kBegin{1h};

StallSigns waits(std::uint64_t client, std::uint64_t upstream = 0) {
  StallSigns signs;
  signs.for_client = {client / 2, client - client / 2};
  signs.for_upstream.in_kernel = upstream;
  return signs;
}

StallSigns asked(std::uint64_t bytes, std::uint64_t burst, std::uint64_t received = 1000) {
  StallSigns signs;
  signs.unanswered = bytes;
  signs.last_burst = burst;
  signs.received = received;
  return signs;
}

}  // namespace

TEST_CASE("names of what a side does not do") {
  CHECK(name_of(Idleness::does_not_read) == "does_not_read");
  CHECK(name_of(Idleness::does_not_acknowledge) == "does_not_acknowledge");
  CHECK(name_of(Idleness::does_not_send) == "does_not_send");
}

TEST_CASE("a session in which nothing waits and nothing is owed is idle") {
  CHECK(stuck_on({}) == StuckOn::nothing);
  CHECK(stuck_on(asked(0, 5000)) == StuckOn::nothing);
}

TEST_CASE("bytes that wait are for the side that does not take them, or that has more of them") {
  CHECK(stuck_on(waits(1)) == StuckOn::client_takes);
  CHECK(stuck_on(waits(0, 1)) == StuckOn::upstream_takes);
  CHECK(stuck_on(waits(500, 400)) == StuckOn::client_takes);
  CHECK(stuck_on(waits(400, 500)) == StuckOn::upstream_takes);
  // Before that is passed on, nobody can answer.
  StallSigns signs = asked(1000, 1000);
  signs.for_upstream.in_kernel = 1000;
  CHECK(stuck_on(signs) == StuckOn::upstream_takes);
}

TEST_CASE("what went up last is a request if it is large enough for one") {
  CHECK(stuck_on(asked(127, 127)) == StuckOn::nothing);
  CHECK(stuck_on(asked(128, 128)) == StuckOn::upstream_unanswered);
  // WINDOW_UPDATEs of a client that reads what has come long before.
  CHECK(stuck_on(asked(40 * 35, 3 * 35)) == StuckOn::nothing);
  // An upload, which may end in a small piece.
  CHECK(stuck_on(asked(64 * 1024, 10)) == StuckOn::upstream_unanswered);
  StallSigns finished = asked(500, 500);
  finished.upstream_finished = true;
  CHECK(stuck_on(finished) == StuckOn::nothing);
}

TEST_CASE("of a plain request that is not complete, the one stands that owes the rest") {
  StallSigns signs;
  signs.owes = Side::client;
  CHECK(stuck_on(signs) == StuckOn::client_owes);
  signs.owes = Side::upstream;
  CHECK(stuck_on(signs) == StuckOn::upstream_owes);
  signs.for_client.here = 1;
  CHECK(stuck_on(signs) == StuckOn::client_takes);
}

TEST_CASE("it has stalled once it was stuck for the limit's time, and moves again with a byte") {
  StallCase stall(kBegin);
  CHECK(stall.look(waits(100), kBegin, kBegin + 4s, kLimit) == News::none);
  CHECK(stall.look(waits(100), kBegin, kBegin + 29s, kLimit) == News::none);
  CHECK_FALSE(stall.stalled());
  CHECK(stall.look(waits(100), kBegin, kBegin + 30s, kLimit) == News::stalled);
  CHECK(stall.stalled());
  CHECK(stall.on() == StuckOn::client_takes);
  CHECK(stall.since() == kBegin);
  CHECK(stall.look(waits(100), kBegin, kBegin + 40s, kLimit) == News::none);
  CHECK(stall.stalled());
  CHECK(stall.look(waits(100), kBegin + 44s, kBegin + 45s, kLimit) == News::moves_again);
  CHECK_FALSE(stall.stalled());
  CHECK(stall.lasted() == 45s);
  CHECK(stall.since() == kBegin + 44s);
  // And once more.
  CHECK(stall.look(waits(100), kBegin + 44s, kBegin + 73s, kLimit) == News::none);
  CHECK(stall.look(waits(100), kBegin + 44s, kBegin + 74s, kLimit) == News::stalled);
}

TEST_CASE("a receiver that acknowledges some of it is slow, and has not stalled") {
  StallCase stall(kBegin);
  for (std::uint64_t i = 0; i < 20; ++i) {
    const auto now = kBegin + 5s * i;
    CHECK(stall.look(waits(100 - i), kBegin, now, kLimit) == News::none);
  }
  CHECK(stall.look(waits(81), kBegin, kBegin + 124s, kLimit) == News::none);
  CHECK(stall.look(waits(81), kBegin, kBegin + 125s, kLimit) == News::stalled);
  CHECK(stall.look(waits(80), kBegin, kBegin + 130s, kLimit) == News::moves_again);
}

TEST_CASE("it moves again when the last byte is acknowledged") {
  StallCase stall(kBegin);
  stall.look(waits(0, 5), kBegin, kBegin, kLimit);
  CHECK(stall.look(waits(0, 5), kBegin, kBegin + 30s, kLimit) == News::stalled);
  CHECK(stall.look({}, kBegin, kBegin + 31s, kLimit) == News::moves_again);
  CHECK(stall.on() == StuckOn::nothing);
  CHECK(stall.look({}, kBegin, kBegin + 300s, kLimit) == News::none);
}

TEST_CASE("as long as bytes wait for their turn it is we who hold it up") {
  StallCase stall(kBegin);
  StallSigns paced = waits(100);
  paced.paced = true;
  CHECK(stall.look(paced, kBegin, kBegin + 60s, kLimit) == News::none);
  CHECK(stall.look(waits(100), kBegin, kBegin + 89s, kLimit) == News::none);
  CHECK(stall.look(waits(100), kBegin, kBegin + 90s, kLimit) == News::stalled);
}

TEST_CASE("for want of an answer it stalls once until something comes down") {
  StallCase stall(kBegin);
  stall.look(asked(300, 300), kBegin, kBegin, kLimit);
  CHECK_FALSE(stall.has_told());
  CHECK(stall.look(asked(300, 300), kBegin, kBegin + 30s, kLimit) == News::stalled);
  CHECK(stall.has_told());
  // As in a protocol in which a sender gets no answer.
  CHECK(stall.look(asked(600, 300), kBegin + 40s, kBegin + 41s, kLimit) == News::moves_again);
  CHECK(stall.look(asked(600, 300), kBegin + 40s, kBegin + 100s, kLimit) == News::none);
  CHECK(stall.has_told());
  // That it does not take more is another matter.
  StallSigns signs = asked(900, 300);
  signs.for_upstream.in_kernel = 300;
  CHECK(stall.look(signs, kBegin + 101s, kBegin + 101s, kLimit) == News::none);
  CHECK(stall.look(signs, kBegin + 101s, kBegin + 131s, kLimit) == News::stalled);
  CHECK(stall.look(asked(0, 300, 1001), kBegin + 140s, kBegin + 140s, kLimit) == News::moves_again);
  CHECK_FALSE(stall.has_told());
  CHECK(stall.look(asked(300, 300, 1001), kBegin + 141s, kBegin + 170s, kLimit) == News::none);
  CHECK(stall.look(asked(300, 300, 1001), kBegin + 141s, kBegin + 171s, kLimit) == News::stalled);
}
