// The one line that a session leaves behind.
#include <algorithm>
#include <regex>

#include "support/catch.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::string_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::Matches;

namespace {

const std::string kTime = R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)";

void check_one_line(const std::string& text) {
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  CHECK(text.back() == '\n');
}

}  // namespace

TEST_CASE("a tunnel's line has all fields, in this order") {
  Scene scene;
  scene.add(http());
  scene.client.sends(std::string(kConnect) + "12345").expects(std::string(kEstablished)).ends();
  scene.upstream.expects(std::string(kConnect)).sends("HTTP/1.1 200 OK\r\n\r\n" + "1234567"s);
  scene.upstream.expects("12345").expects_end().ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK_THAT(scene.access_text(),
             Matches(kTime + R"( access id=7 client=127\.0\.0\.1:50001 method=CONNECT )"
                             R"(target=gcr\.io:443 upstream=http://proxy\.example:1080 outcome=ok )"
                             R"(stage=tunnel status=200 bytes_up=5 bytes_down=7 )"
                             R"(connect_ms=0 total_ms=0 closed_by=client\n)"));
}

TEST_CASE("in JSON it is one object") {
  Scene scene({}, {}, Log::Format::json);
  scene.client.sends(std::string(kConnect)).expects(std::string(kEstablished)).ends();
  scene.upstream.expects_end().ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK_THAT(scene.access_text(),
             Matches(R"(\{"time":")" + kTime +
                     R"(","type":"access","id":7,"client":"127\.0\.0\.1:50001",)"
                     R"("method":"CONNECT","target":"gcr\.io:443","upstream":"direct",)"
                     R"("outcome":"ok","stage":"tunnel","status":200,"bytes_up":0,)"
                     R"("bytes_down":0,"connect_ms":0,"total_ms":0,"closed_by":"client"\}\n)"));
}

TEST_CASE("the fields of the line can be read while the session lives") {
  Scene scene;
  scene.add(http());
  scene.client.sends(std::string(kConnect) + "12345").expects(std::string(kEstablished));
  scene.upstream.expects(std::string(kConnect)).sends("HTTP/1.1 200 OK\r\n\r\n" + "1234567"s);
  scene.start();
  settle(scene.loop);
  const SessionRecord& record = scene.session->record();
  CHECK(record.id == 7);
  CHECK(record.client_text() == "127.0.0.1:50001");
  CHECK(record.method == "CONNECT");
  CHECK(record.target == "gcr.io:443");
  REQUIRE(record.upstream != nullptr);
  CHECK(record.upstream->config.label == "http://proxy.example:1080");
  CHECK(record.status == 200);
  CHECK(record.bytes_up == 5);
  CHECK(record.bytes_down == 7);
  CHECK(record.connect_ms >= 0);
  CHECK(record.stage == SessionStage::tunnel);
  CHECK(record.outcome.kind == Outcome::Kind::none);
  CHECK(scene.access_text().empty());
  scene.session->abort("told to");
  REQUIRE(scene.run());
}

TEST_CASE("a refusal's line has the cause, and no bytes") {
  Scene scene;
  scene.transport->fails(ECONNREFUSED);
  scene.client.sends(std::string(kConnect)).ends();
  scene.start();
  CHECK(scene.answer().status == 502);
  const std::string line = scene.access_text();
  check_one_line(line);
  CHECK_THAT(line, Contains(" upstream=direct outcome=connection_refused stage=dial status=502 "
                            "bytes_up=0 bytes_down=0 connect_ms=0 total_ms=0 "
                            "closed_by=target detail=\"target gcr.io:443 refused the connection"));
}

TEST_CASE("what a peer sent stays one field of one line") {
  Scene scene;
  std::string sent;
  SECTION("the client's request") {
    scene.client.sends("CONNECT a\" outcome=ok\\:443 HTTP/1.1\r\nHost: x\r\n\r\n").ends();
  }
  SECTION("the client's method") {
    scene.client.sends("GET\xff /\xfe HTTP/1.1\r\nHost: x\r\n\r\n").ends();
  }
  SECTION("the upstream's reason") {
    scene.add(http());
    scene.upstream.expects(std::string(kConnect)).sends("HTTP/1.1 500 \" outcome=ok \xff\r\n\r\n");
    scene.client.sends(std::string(kConnect)).ends();
  }
  scene.start();
  CHECK(scene.answer().status >= 400);
  const std::string line = scene.access_text();
  check_one_line(line);
  CHECK(std::regex_search(line, std::regex(R"( outcome=\w+ )")));
  CHECK_FALSE(std::regex_search(line, std::regex(R"([^\\]" outcome=ok)")));
  for (const char c : line) CHECK(((c >= ' ' && c <= '~') || c == '\n'));
}

TEST_CASE("no secret reaches the client or a log, whatever fails") {
  const auto [config, sends] = GENERATE(table<UpstreamConfig, std::string>({
      {socks5_as("alice", "hush"), ""},
      {socks5_as("alice", "hush"), "\x05\x02\x01\x01"},
      {socks5_as("alice", "hush"), "\x05\xff"},
      {http_as("alice", "hush"), ""},
      {http_as("alice", "hush"), "HTTP/1.1 407 who are you\r\nX: y\r\n\r\n"},
      {http_as("alice", "hush"), "HTTP/1.1 200 OK\r\n\r\n"},
  }));
  Scene scene;
  scene.add(config);
  scene.upstream.sends(sends).ends();
  // A client may have credentials as well; and it may be mistaken about where they go.
  scene.client.sends(
      "CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n"
      "Proxy-Authorization: Basic aHVzaGh1c2g6d2hpc3Blcg==\r\nCookie: whisper\r\n\r\n");
  scene.client.ends();
  scene.start();
  REQUIRE(scene.run());
  const std::string all = scene.client.received() + scene.access_text() + scene.log_text();
  for (const char* secret : {"hush", "YWxpY2U6aHVzaA", "aHVzaGh1c2g", "whisper"}) {
    CHECK_THAT(all, !Contains(secret));
  }
  // Nor does the upstream get what the client meant for us.
  CHECK_THAT(scene.upstream.received(), !Contains("aHVzaGh1c2g") && !Contains("whisper"));
}

TEST_CASE("an upstream that reports success and closes is counted and named") {
  Scene scene;
  Upstream& upstream = scene.add(http());
  scene.client.sends(std::string(kConnect) + "12345").expects(std::string(kEstablished));
  scene.client.expects_end().ends();
  scene.upstream.expects(std::string(kConnect)).sends("HTTP/1.1 200 OK\r\n\r\n");
  scene.upstream.expects("12345").ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(upstream.health->early_grants() == 1);
  CHECK_THAT(scene.log_text(), Contains("said yes and closed before its first byte, 1 times"));
  CHECK_THAT(scene.access_text(), Contains("closed_by=upstream") && Contains("yes too early"));
}

TEST_CASE("a target that hangs up is no upstream's fault when there is none") {
  Scene scene;
  scene.client.sends(std::string(kConnect) + "12345").expects(std::string(kEstablished));
  scene.client.expects_end().ends();
  scene.upstream.expects("12345").ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.log_text().empty());
}
