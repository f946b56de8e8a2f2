#include "session/session_record.h"

#include <fstream>
#include <regex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "session/session.h"
#include "support/catch.h"
#include "support/memory_file.h"
#include "unit/base/journal_fields.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

/// A record of a tunnel, and the lines that it leaves.
struct Scene {
  Scene() {
    upstream.config.label = "socks5://127.0.0.1:1080";
    record.begin(17, HostPort::parse("127.0.0.1:50123").value(), begun);
  }
  void fill() {
    record.set_method("CONNECT");
    record.target = "gcr.io:443";
    record.upstream = &upstream;
    record.stage = SessionStage::tunnel;
    record.status = 200;
    record.bytes_up = 5'000'000'000;
    record.bytes_down = 7;
    record.connect_ms = 0;
  }
  /// Behind the time.
  std::string line(Log::Format format = Log::Format::text) {
    const MemoryFile file;
    Log log(-1, file.fd(), Log::Level::info, format);
    write_access_line(log, record, begun + 1234ms);
    log.flush();
    const std::string text = file.text();
    REQUIRE(!text.empty());
    const std::string_view time = "2026-11-24T05:36:24.123Z";
    return text.substr(time.size() + (format == Log::Format::json ? 9 : 0));
  }

  /// The entry of the journal.
  std::string entry() {
    struct Journal : RecordSink {
      Sent send(std::span<const std::string_view> records) override {
        for (const std::string_view sent : records) taken += sent;
        return {records.size(), 0};
      }
      std::string taken;
    } journal;
    Log log(-1, 0, Log::Level::info, Log::Format::text, nullptr, &journal);
    write_access_line(log, record, begun + 1234ms);
    log.flush();
    return journal.taken;
  }

  Loop::Clock::time_point begun{1h};
  Upstream upstream;
  SessionRecord record;
};

}  // namespace

TEST_CASE("a tunnel's line") {
  Scene scene;
  scene.fill();
  scene.record.finish(Outcome::Kind::ok, Side::client, {});
  CHECK(scene.line() ==
        " access id=17 client=127.0.0.1:50123 method=CONNECT target=gcr.io:443 "
        "upstream=socks5://127.0.0.1:1080 outcome=ok stage=tunnel status=200 "
        "bytes_up=5000000000 bytes_down=7 connect_ms=0 total_ms=1234 closed_by=client\n");
  CHECK(scene.line(Log::Format::json) ==
        "\",\"type\":\"access\",\"id\":17,\"client\":\"127.0.0.1:50123\",\"method\":\"CONNECT\","
        "\"target\":\"gcr.io:443\",\"upstream\":\"socks5://127.0.0.1:1080\",\"outcome\":\"ok\","
        "\"stage\":\"tunnel\",\"status\":200,\"bytes_up\":5000000000,\"bytes_down\":7,"
        "\"connect_ms\":0,\"total_ms\":1234,\"closed_by\":\"client\"}\n");
}

TEST_CASE("a failure's line, with bytes that cannot stand as they are") {
  Scene scene;
  scene.fill();
  scene.record.target = "a b=\"c\"\n";
  scene.record.connect_ms = -1;
  scene.record.finish(Errc::connection_refused, Side::upstream,
                      "upstream socks5://127.0.0.1:1080 refused the connection");
  CHECK(scene.line() ==
        " access id=17 client=127.0.0.1:50123 method=CONNECT target=\"a b=\\\"c\\\"\\n\" "
        "upstream=socks5://127.0.0.1:1080 outcome=connection_refused stage=tunnel status=200 "
        "bytes_up=5000000000 bytes_down=7 total_ms=1234 closed_by=upstream "
        "detail=\"upstream socks5://127.0.0.1:1080 refused the connection\"\n");
}

TEST_CASE("what is not known yet is a dash, or left out") {
  Scene scene;
  scene.record = {};
  scene.record.begin(17, std::nullopt, scene.begun);
  scene.record.finish(Errc::canceled, Side::client, "closed without a request");
  CHECK(scene.line() ==
        " access id=17 client=unix method=- target=- upstream=- outcome=canceled stage=head "
        "status=0 bytes_up=0 bytes_down=0 total_ms=1234 closed_by=client "
        "detail=\"closed without a request\"\n");
}

TEST_CASE("failed attempts follow the other details") {
  Scene scene;
  scene.fill();
  scene.record.set_failures("");
  CHECK(scene.record.notes == nullptr);
  scene.record.set_failures("attempts failed: a");
  scene.record.finish(Outcome::Kind::ok, Side::local, {});
  CHECK(scene.line().ends_with(" closed_by=culvert detail=\"attempts failed: a\"\n"));
  scene.record.finish(Outcome::Kind::aborted, Side::local, "why");
  CHECK(scene.line().ends_with(" detail=\"why; attempts failed: a\"\n"));
}

TEST_CASE("a URL is recorded without its query") {
  Scene scene;
  scene.record.set_url("http://a.example/path?token=hush");
  CHECK(scene.record.target == "http://a.example/path?...");
  scene.record.set_url("http://a.example/path");
  CHECK(scene.record.target == "http://a.example/path");
}

TEST_CASE("the next request begins anew, with the same client") {
  Scene scene;
  scene.fill();
  scene.record.set_method("GET");
  scene.record.set_failures("attempts failed: a");
  scene.record.first_byte_ms = 3;
  scene.record.finish(Errc::canceled, Side::client, "why");
  scene.record.next_request();
  scene.record.started += 1000ms;
  CHECK(scene.record.outcome.kind == Outcome::Kind::none);
  scene.record.finish(Outcome::Kind::ok, Side::client, {});
  CHECK(scene.line() ==
        " access id=17 client=127.0.0.1:50123 method=- target=- upstream=- outcome=ok stage=head "
        "status=0 bytes_up=0 bytes_down=0 total_ms=234 closed_by=client\n");
}

TEST_CASE("who has signed in stands in the line of each request of the connection") {
  Scene scene;
  CHECK(scene.record.user().empty());
  scene.record.set_user("");
  CHECK(scene.record.notes == nullptr);
  scene.record.set_user("ann");
  scene.record.finish(Outcome::Kind::ok, Side::client, {});
  CHECK_THAT(scene.line(), Contains(" client=127.0.0.1:50123 user=ann method="));
  scene.record.next_request();
  CHECK(scene.record.user() == "ann");
}

TEST_CASE("the process of a unix socket's client is in the line of each request") {
  Scene scene;
  scene.record.client_ip.reset();
  scene.record.set_unix_peer({1000, 4242});
  scene.record.next_request();
  scene.record.finish(Outcome::Kind::ok, Side::client, {});
  CHECK_THAT(scene.line(), Contains(R"( client="unix:uid=1000,pid=4242" method=)"));
  CHECK_THAT(scene.line(Log::Format::json),
             Contains(R"("client":"unix:uid=1000,pid=4242","uid":1000,"pid":4242,"method":)"));
}

TEST_CASE("each outcome has its name") {
  CHECK(Outcome(Outcome::Kind::none).name().empty());
  CHECK(Outcome(Outcome::Kind::ok).name() == "ok");
  CHECK(Outcome(Outcome::Kind::aborted).name() == "aborted");
  CHECK(Outcome(Outcome::Kind::idle_timeout).name() == "idle_timeout");
  CHECK(Outcome(Outcome::Kind::half_open_timeout).name() == "half_open_timeout");
  CHECK(Outcome(Outcome::Kind::lifetime_over).name() == "lifetime_over");
  CHECK(Outcome(Errc::upstreams_down).name() == meaning_of(Errc::upstreams_down).name);
}

TEST_CASE("a tunnel's record is small, and needs no notes") {
  Scene scene;
  scene.fill();
  scene.record.finish(Outcome::Kind::ok, Side::client, {});
  CHECK(scene.record.notes == nullptr);
  CHECK(sizeof(SessionRecord) <= 136);
  CHECK(sizeof(Session) <= 216);
}

TEST_CASE("a load balancer stands beside the client for whom it has connected") {
  Scene scene;
  scene.fill();
  scene.record.set_balanced(std::nullopt);
  CHECK_THAT(scene.line(), Contains(" client=127.0.0.1:50123 method="));
  scene.record.set_balanced(SocketEnd{IpAddress::parse("2001:db8::1").value(), 40001});
  CHECK(scene.record.client_ip == IpAddress::parse("2001:db8::1"));
  for (int request = 0; request < 2; ++request) {
    CHECK_THAT(scene.line(),
               Contains(" client=[2001:db8::1]:40001 balancer=127.0.0.1:50123 method="));
    CHECK_THAT(scene.line(Log::Format::json), Contains("\"balancer\":\"127.0.0.1:50123\""));
    scene.record.next_request();
  }
}

namespace {

/// One line of the manual's table of fields.
struct Documented {
  std::string name;
  std::string entry;
  std::string kind;
};

std::vector<Documented> documented_fields() {
  std::ifstream file(CULVERT_MANUAL "/status.md");
  std::vector<Documented> fields;
  for (std::string line; std::getline(file, line);) {
    std::smatch cells;
    static const std::regex row(R"(\| `(\w+)` \| `(CULVERT_\w+)` \| ([a-z]+)\b.* \|)");
    if (std::regex_match(line, cells, row)) fields.push_back({cells[1], cells[2], cells[3]});
  }
  return fields;
}

/// With all that a record can have.
void fill_all(Scene& scene) {
  scene.fill();
  scene.record.client_ip.reset();
  scene.record.set_unix_peer({1000, 4242});
  scene.record.set_user("ann");
  scene.record.notes->balancer = "10.0.0.1:1";
  scene.record.chosen_by = ChosenBy::least;
  scene.record.first_byte_ms = 3;
  scene.record.finish(Errc::connection_refused, Side::upstream, "why");
}

}  // namespace

TEST_CASE("the manual names every field, in all three forms, in their order") {
  const auto documented = documented_fields();
  REQUIRE(documented.size() == kAccessFields.size());
  Scene scene;
  fill_all(scene);
  const std::string json = scene.line(Log::Format::json);
  const auto entry = test::fields_of(scene.entry());
  // Behind SYSLOG_IDENTIFIER and MESSAGE_ID, and before PRIORITY and MESSAGE.
  REQUIRE(entry.size() == documented.size() + 4);
  std::size_t at = 0;
  for (std::size_t i = 0; i < documented.size(); ++i) {
    const auto& [name, in_entry, kind] = documented[i];
    INFO(name);
    CHECK(name == kAccessFields[i]);
    CHECK(in_entry == entry[i + 2].first);
    const std::size_t found = json.find(",\"" + name + "\":", at);
    REQUIRE(found != json.npos);
    const char first = json[found + name.size() + 4];
    REQUIRE((kind == "text" || kind == "number"));
    CHECK((first == '"') == (kind == "text"));
    at = found;
  }
}

TEST_CASE("the journal's message is the text, and its fields are those of JSON") {
  Scene scene;
  fill_all(scene);
  const std::string entry = scene.entry();
  CHECK(" " + test::value_of(entry, "MESSAGE") + "\n" == scene.line());
  CHECK(test::value_of(entry, "CULVERT_UID") == "1000");
  CHECK(test::value_of(entry, "CULVERT_PID") == "4242");
  CHECK(test::value_of(entry, "CULVERT_CLIENT") == "unix:uid=1000,pid=4242");
  CHECK(test::value_of(entry, "CULVERT_TARGET") == "gcr.io:443");
  CHECK(test::value_of(entry, "CULVERT_OUTCOME") == "connection_refused");
  CHECK(test::value_of(entry, "CULVERT_BYTES_UP") == "5000000000");
  CHECK(test::value_of(entry, "CULVERT_DETAIL") == "why");
}

TEST_CASE("the priority of an entry tells how a session ended") {
  const auto priority_of = [](Outcome outcome) {
    Scene scene;
    scene.fill();
    scene.record.finish(outcome, Side::local, {});
    return test::value_of(scene.entry(), "PRIORITY");
  };
  CHECK(priority_of(Outcome::Kind::ok) == "6");
  for (const auto kind : {Outcome::Kind::aborted, Outcome::Kind::idle_timeout,
                          Outcome::Kind::half_open_timeout, Outcome::Kind::lifetime_over}) {
    CHECK(priority_of(kind) == "5");
  }
  CHECK(priority_of(Errc::canceled) == "5");
  CHECK(priority_of(Outcome::Kind::stalled) == "4");
  CHECK(priority_of(Errc::connection_refused) == "4");
}
