// The access log off the hot path: a turn's lines leave together.  (That nothing is done for one
// that is off, exchange_test.cc shows.)
#include <fcntl.h>

#include <span>
#include <string>
#include <string_view>

#include "session/session_record.h"
#include "steady/counted.h"
#include "support/catch.h"
#include "support/plain_scene.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;

namespace {

/// One that is over.
struct RequestOfLongNames {
  RequestOfLongNames() {
    upstream.config.label = "socks5://127.0.0.1:1080";
    record.begin(123456789,
                 HostPort::parse("[2001:db8:1234:5678:9abc:def0:1234:5678]:50001").value(), {});
    record.set_method("GET");
    record.set_url("http://a-rather-long-name.example/path");
    record.upstream = &upstream;
    record.stage = SessionStage::exchange;
    record.finish(Outcome::Kind::ok, Side::client, "words that have to be quoted");
  }

  Upstream upstream;
  SessionRecord record;
};

}  // namespace

TEST_CASE("the access lines of a turn leave with one write, and cost no memory") {
  const auto format = GENERATE(Log::Format::text, Log::Format::json);
  const Fd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
  Log log(null.get(), null.get(), Log::Level::info, format);
  RequestOfLongNames request;
  SessionRecord& record = request.record;
  const auto turn = [&] {
    for (int i = 0; i < 10; ++i) write_access_line(log, record, {});
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
  scene.send(request);
  scene.answer(answer);
  const Counts cost = cost_of([&] {
    scene.send(request);
    scene.answer(answer);
  });
  CHECK(cost.log_lines == 1);
  CHECK(cost.writes == 1);
  CHECK(scene.access_lines().size() == 2);
}

TEST_CASE("the entries of a turn for the journal leave together, and cost no memory") {
  struct Journal : RecordSink {
    Sent send(std::span<const std::string_view> records) override {
      ++calls;
      return {records.size(), 0};
    }
    int calls = 0;
  } journal;
  Log log(-1, 0, Log::Level::info, Log::Format::text, nullptr, &journal);
  RequestOfLongNames request;
  SessionRecord& record = request.record;
  const auto turn = [&] {
    for (int i = 0; i < 10; ++i) write_access_line(log, record, {});
    log.flush();
  };
  turn();
  journal.calls = 0;
  CHECK(cost_of(turn).allocations == 0);
  CHECK(journal.calls == 1);
}
