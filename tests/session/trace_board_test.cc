// Who wants to see sessions, and which.
#include "session/trace_board.h"

#include <memory>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/memory_file.h"

using namespace culvert;
using namespace culvert::test;

namespace {

std::vector<TargetPattern> patterns(std::string_view list) {
  std::vector<std::string> problems;
  auto out = parse_target_patterns(list, problems);
  REQUIRE(problems.empty());
  return out;
}

std::shared_ptr<TraceOrder> order(std::string_view list, std::size_t sessions) {
  return std::make_shared<TraceOrder>(patterns(list), sessions,
                                      [](const TraceStep&, Log&) { FAIL("nothing is told"); });
}

HostPort target(const char* text) { return HostPort::parse(text).value(); }

}  // namespace

TEST_CASE("an order counts the sessions to its targets") {
  TraceBoard board;
  CHECK_FALSE(board.wants());
  const auto gcr = order("gcr.io,.gcr.io", 2);
  board.add(gcr);
  CHECK(board.wants());
  CHECK(board.take(target("quay.io:443")).empty());
  CHECK(board.take(target("k8s.gcr.io:443")) == TraceBoard::Orders{gcr});
  const auto all = order("*", 3);
  board.add(all);
  CHECK(board.take(target("gcr.io:443")) == TraceBoard::Orders{gcr, all});
  CHECK(board.take(target("gcr.io:443")) == TraceBoard::Orders{all});
  CHECK(board.wants());
  CHECK(board.take(target("10.0.0.1:80")) == TraceBoard::Orders{all});
  CHECK_FALSE(board.wants());
  CHECK(board.take(target("gcr.io:443")).empty());
}

TEST_CASE("an order that is taken back gets no session") {
  TraceBoard board;
  const auto all = order("*", 3);
  board.add(all);
  board.remove(*all);
  board.remove(*all);
  CHECK_FALSE(board.wants());
  CHECK(board.take(target("gcr.io:443")).empty());
}

TEST_CASE("an order that is closed is told nothing") {
  MemoryFile file;
  Log log(file.fd(), -1, Log::Level::error, Log::Format::text);
  int told = 0;
  TraceOrder counting({}, 1, [&](const TraceStep&, Log&) { ++told; });
  counting.tell({}, log);
  counting.close();
  counting.tell({}, log);
  CHECK(told == 1);
}

TEST_CASE("a step in the log is one line") {
  MemoryFile file;
  Log log(file.fd(), -1, Log::Level::error, Log::Format::text);
  TraceOrder to_log({}, 1, trace_to_log());
  to_log.tell({.session = 17,
               .time = {},
               .after = std::chrono::microseconds(12'034),
               .text = "request of x:\nGET / HTTP/1.1\nHost: h",
               .last = false},
              log);
  log.flush();
  const std::string text = file.text();
  CHECK(text.substr(text.find(' ')) ==
        " info trace 17 +12.034 ms: request of x: | GET / HTTP/1.1 | Host: h\n");
}
