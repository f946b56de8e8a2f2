// A running relay: whatever passes, in whichever direction, nothing is allocated and no timer
// moved.
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

#include "steady/counted.h"
#include "support/catch.h"
#include "support/socket_tunnel.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

/// A connection whose buffers stay as large as they are, or a flow would now and then run dry.
SocketPair steady_pair() {
  SocketPair pair = tcp_pair();
  const int size = 256 * 1024;
  for (const int fd : {pair.near.get(), pair.far.get()}) {
    REQUIRE(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0);
    REQUIRE(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) == 0);
  }
  return pair;
}

/// A tunnel whose far ends are driven from here, in this thread, without any memory but this.
class Drive {
 public:
  explicit Drive(bool splice)
      : tunnel_((splice ? void() : house_.take_all_pipes(), house_), steady_pair(), steady_pair(),
                RelaySettings{60s, 60s}) {}
  ~Drive() {
    tunnel_.destroy();
    house_.give_pipes_back();
  }

  const Fd& client() const { return tunnel_.client; }
  const Fd& upstream() const { return tunnel_.upstream; }

  void turn() {
    for (int i = 0; i < 4; ++i) house_.loop.turn(0);
  }
  /// As much of `size` as the kernel takes.
  std::size_t send(const Fd& fd, std::size_t size) {
    std::size_t sent = 0;
    while (sent < size) {
      const ssize_t count = ::send(fd.get(), bytes_.data(), std::min(size - sent, bytes_.size()),
                                   MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count <= 0) break;
      sent += static_cast<std::size_t>(count);
    }
    return sent;
  }
  /// Whatever is there, but no more than `size`.
  std::size_t receive(const Fd& fd, std::size_t size) {
    std::size_t received = 0;
    while (received < size) {
      const ssize_t count =
          recv(fd.get(), bytes_.data(), std::min(size - received, bytes_.size()), MSG_DONTWAIT);
      if (count <= 0) break;
      received += static_cast<std::size_t>(count);
    }
    return received;
  }

  /// Small messages there and back.
  std::size_t ping_pong(int rounds) {
    std::size_t moved = 0;
    for (int i = 0; i < rounds; ++i) {
      send(client(), 100);
      turn();
      moved += receive(upstream(), kAll);
      send(upstream(), 100);
      turn();
      moved += receive(client(), kAll);
    }
    return moved;
  }

  /// Both directions at once, as fast as possible.
  std::size_t bulk(std::size_t size) {
    std::size_t moved = 0;
    while (moved < size) {
      send(client(), 1 << 20);
      send(upstream(), 1 << 20);
      turn();
      moved += receive(upstream(), kAll) + receive(client(), kAll);
    }
    return moved;
  }

  /// A reader that takes a little, and then nothing until all is full.
  std::size_t back_pressure(std::size_t size) {
    std::size_t moved = 0;
    while (moved < size) {
      while (send(upstream(), 1 << 20) > 0) turn();
      moved += receive(client(), 300'000);
      turn();
    }
    return moved;
  }

  /// A writer that is blocked, and then a reader that takes all, again and again.
  std::size_t fill_and_empty(std::size_t rounds) {
    std::size_t moved = 0;
    for (std::size_t i = 0; i < rounds; ++i) {
      std::size_t sent = 0;
      while (const std::size_t taken = send(upstream(), 1 << 20)) {
        sent += taken;
        turn();
      }
      moved += take_from_client(sent);
    }
    return moved;
  }

  /// Takes `size` bytes, of which some may still be in transit.
  std::size_t take_from_client(std::size_t size) {
    std::size_t received = 0;
    while (received < size && std::chrono::steady_clock::now() < patience_) {
      turn();
      const std::size_t now = receive(client(), size - received);
      received += now;
      if (now == 0) sched_yield();  // to the system, which delivers them
    }
    return received;
  }

 private:
  static constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

  std::array<char, 65536> bytes_{};
  std::chrono::steady_clock::time_point patience_ = std::chrono::steady_clock::now() + 60s;
  TunnelHouse house_;
  SocketTunnel tunnel_;
};

}  // namespace

TEST_CASE("small messages cost neither memory nor timers") {
  Drive drive(true);
  drive.ping_pong(10);
  std::size_t moved = 0;
  const Counts cost = cost_of([&] { moved = drive.ping_pong(1000); });
  CHECK(moved == 200'000);
  CHECK(cost.allocations == 0);
  CHECK(cost.timer_starts == 0);
  CHECK(cost.log_lines == 0);
  CHECK(cost.writes == 0);
}

TEST_CASE("bulk in both directions costs neither memory nor timers") {
  Drive drive(true);
  drive.bulk(8 << 20);
  std::size_t moved = 0;
  const Counts cost = cost_of([&] { moved = drive.bulk(64 << 20); });
  CHECK(moved >= 64 << 20);
  CHECK(cost.allocations == 0);
  CHECK(cost.timer_starts == 0);
}

TEST_CASE("a slow reader costs neither memory nor timers") {
  const bool splice = GENERATE(true, false);
  CAPTURE(splice);
  Drive drive(splice);
  drive.back_pressure(8 << 20);
  std::size_t moved = 0;
  const Counts cost = cost_of([&] { moved = drive.back_pressure(32 << 20); });
  CHECK(moved >= 32 << 20);
  CHECK(cost.allocations == 0);
  CHECK(cost.timer_starts == 0);
}

// Nor does what watches over a reader that takes nothing come and go with it.
TEST_CASE("being blocked and then dry costs neither memory nor timers") {
  Drive drive(true);
  drive.fill_and_empty(50);
  // On a busy machine the system may deliver the last bytes in small parts, which are copied, and
  // then the next round begins with copies.  What a round costs by itself, it costs each time.
  constexpr int kMostAttempts = 10;
  Counts cost;
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    std::size_t moved = 0;
    cost = cost_of([&] { moved = drive.fill_and_empty(50); });
    CHECK(moved > 50 * 256 * 1024);
    if (cost.allocations == 0) break;
  }
  CHECK(cost.allocations == 0);
  CHECK(cost.timer_starts == 0);
}

// Where there is no pipe, what a reader does not take has to be kept; a quiet flow keeps no room
// for it.  So a flow that is blocked and then runs dry, again and again, gets that room anew each
// time.
TEST_CASE("without a pipe, being blocked and then dry costs one buffer") {
  constexpr std::size_t kRounds = 50;
  constexpr std::size_t kAllocations = 3;  // the string and its room, which grows once
  Drive drive(false);
  drive.fill_and_empty(kRounds);
  std::size_t moved = 0;
  const Counts cost = cost_of([&] { moved = drive.fill_and_empty(kRounds); });
  CHECK(moved > kRounds * 256 * 1024);
  CHECK(cost.allocations <= kRounds * kAllocations);
  CHECK(cost.timer_starts == 0);
}
