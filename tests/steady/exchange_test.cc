// A connection that is kept for one plain request after the other: no memory is forwarded for, and
// the timers move once a message, not once a packet.
#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "steady/counted.h"
#include "support/catch.h"
#include "support/plain_scene.h"

using namespace culvert;
using namespace culvert::test;

namespace {

// A name too long for a short string's own room.
constexpr std::string_view kGet =
    "GET http://a-rather-long-name.example/path HTTP/1.1\r\n"
    "Host: a-rather-long-name.example\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n";
const std::string kPostHead =
    "POST http://a-rather-long-name.example/path HTTP/1.1\r\n"
    "Host: a-rather-long-name.example\r\n";
const std::string kAnswerHead = "HTTP/1.1 200 OK\r\nServer: y\r\n";

std::string with_length(const std::string& head, std::size_t size) {
  return head + "Content-Length: " + std::to_string(size) + "\r\n\r\n" + std::string(size, 'x');
}

std::string chunked(const std::string& head, std::size_t size) {
  std::string out = head + "Transfer-Encoding: chunked\r\n\r\n";
  while (size > 0) {
    const std::size_t chunk = std::min<std::size_t>(size, 4096);
    out += fmt::format("{:x}\r\n", chunk);
    out.append(chunk, 'x');
    out += "\r\n";
    size -= chunk;
  }
  return out + "0\r\n\r\n";
}

struct Dialogue {
  std::string request;
  std::string answer;
  std::size_t piece = std::string::npos;  // what comes at a time
};

/// What culvert spends on the last of some exchanges.  The peers' own work is not counted.
Counts cost_of_exchange(PlainScene& scene, const Dialogue& dialogue) {
  Counts sum;
  const auto pass = [&](SocketPeer& from, std::string_view bytes) {
    sum = {};
    while (!bytes.empty()) {
      const std::size_t output_of = from.send(bytes.substr(0, dialogue.piece));
      bytes.remove_prefix(output_of);
      const Counts cost = cost_of([&] { scene.settle(); });
      sum.allocations += cost.allocations;
      sum.timer_starts += cost.timer_starts;
      sum.log_lines += cost.log_lines;
    }
    return sum;
  };
  Counts total;
  for (int i = 0; i < 4; ++i) {
    const Counts up = pass(scene.client(), dialogue.request);
    const std::string forwarded = scene.at_target();
    const Counts down = pass(scene.target(), dialogue.answer);
    const std::string received = scene.receive();
    REQUIRE(forwarded.size() > 50);
    REQUIRE(received.size() > 50);
    total = {up.allocations + down.allocations, up.timer_starts + down.timer_starts,
             up.log_lines + down.log_lines, 0};
  }
  REQUIRE(scene.dialed() == 1);
  return total;
}

// The head's deadline, and the time that the response may take: before its head and after.
constexpr std::size_t kTimerStarts = 4;

}  // namespace

TEST_CASE("one exchange after the other allocates nothing") {
  const Dialogue dialogue = GENERATE(values<Dialogue>({
      {std::string(kGet), with_length(kAnswerHead, 1024)},
      {std::string(kGet), with_length(kAnswerHead, 0)},
      {std::string(kGet), with_length(kAnswerHead, 60'000)},
      {std::string(kGet), with_length(kAnswerHead, 60'000), 1000},
      {std::string(kGet), with_length(kAnswerHead, 1024), 7},
      {std::string(kGet), chunked(kAnswerHead, 1024)},
      {std::string(kGet), chunked(kAnswerHead, 1024), 7},
      {with_length(kPostHead, 1024), with_length(kAnswerHead, 1024)},
      {with_length(kPostHead, 1024), with_length(kAnswerHead, 1024), 7},
      {with_length(kPostHead, 60'000), with_length(kAnswerHead, 10), 1000},
      {chunked(kPostHead, 1024), with_length(kAnswerHead, 1024)},
      {chunked(kPostHead, 1024), chunked(kAnswerHead, 1024), 7},
  }));
  const bool access_log = GENERATE(false, true);
  CAPTURE(dialogue.request.substr(0, 120), dialogue.answer.substr(0, 80), dialogue.piece,
          access_log);
  PlainScene::Options options;
  options.access_log = access_log;
  options.peer = HostPort::parse("[2001:db8::1234:5678]:54321").value();
  PlainScene scene(std::move(options));
  const Counts cost = cost_of_exchange(scene, dialogue);
  CHECK(cost.allocations == 0);
  CHECK(cost.timer_starts <= kTimerStarts);
  CHECK(cost.log_lines == (access_log ? 1 : 0));
}

// What is more than 4 KiB of a head and what came with it, or of chunks to be written anew, is
// given back behind each message, so that a quiet connection holds little.
TEST_CASE("a body larger than what a connection keeps is got room for anew") {
  const auto [dialogue, most] = GENERATE(table<Dialogue, std::size_t>({
      {{with_length(kPostHead, 60'000), with_length(kAnswerHead, 10)}, 6},
      {{with_length(kPostHead, 60'000), with_length(kAnswerHead, 10), 5000}, 6},
      {{std::string(kGet), chunked(kAnswerHead, 60'000)}, 4},
      {{std::string(kGet), chunked(kAnswerHead, 1'000'000), 100'000}, 5},
      {{std::string(kGet), chunked(kAnswerHead, 60'000), 1000}, 0},
  }));
  CAPTURE(dialogue.request.substr(0, 120), dialogue.answer.substr(0, 80), dialogue.piece);
  PlainScene::Options options;
  options.access_log = false;
  PlainScene scene(std::move(options));
  const Counts cost = cost_of_exchange(scene, dialogue);
  CHECK(cost.allocations <= most);
  CHECK(cost.timer_starts <= kTimerStarts);
}
