// The access log off the hot path: a turn's lines leave together.  (That nothing is done for one
// that is off, exchange_test.cc shows.)
#include "base/log.h"

#include <fcntl.h>

#include <string>

#include "steady/counted.h"
#include "support/catch.h"
#include "support/plain_scene.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;

TEST_CASE("the access lines of a turn leave with one write, and cost no memory") {
  const auto format = GENERATE(Log::Format::text, Log::Format::json);
  const Fd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
  Log log(null.get(), null.get(), Log::Level::info, format);
  Log::Access line;
  line.id = 123456789;
  line.client = "[2001:db8:1234:5678:9abc:def0:1234:5678]:50001";
  line.method = "GET";
  line.target = "http://a-rather-long-name.example/path";
  line.upstream = "socks5://127.0.0.1:1080";
  line.outcome = "ok";
  line.stage = "exchange";
  line.detail = "words that have to be quoted";
  const auto turn = [&] {
    for (int i = 0; i < 10; ++i) log.access(line);
    log.flush();
  };
  turn();
  const Counts cost = cost_of(turn);
  CHECK(cost.log_lines == 10);
  CHECK(cost.writes == 1);
  CHECK(cost.allocations == 0);
}

TEST_CASE("an exchange's line is written at the end of its turn") {
  PlainScene scene;
  const std::string request = "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n";
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  scene.say(request);
  scene.answer(answer);
  const Counts cost = cost_of([&] {
    scene.say(request);
    scene.answer(answer);
  });
  CHECK(cost.log_lines == 1);
  CHECK(cost.writes == 1);
  CHECK(scene.access_lines().size() == 2);
}
