// Requests that are refused before anybody is dialed.
#include "support/catch.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

struct Case {
  std::string request;
  int status;
  std::string reason;   // part of it
  std::string outcome;  // in the access log
  std::string stage = "head";
};

std::string request(const std::string& line) { return line + "\r\nHost: gcr.io:443\r\n\r\n"; }

const std::vector<Case> kCases = {
    {"GET / HTTP/1.1\r\nHost: gcr.io\r\n\r\n", 400, "this is a proxy, not a web server",
     "http_request_error", "route"},
    {request("CONNECT gcr.io:443 HTTP/2.0"), 505, "HTTP version", "version_not_supported"},
    {request("CONNECT gcr.io:443 HTTP/1.12"), 400, "HTTP version", "http_request_error"},
    {request("CONNECT gcr.io:443"), 400, "", "http_request_error"},
    {request("CONNECT gcr.io HTTP/1.1"), 400, "port", "http_request_error", "route"},
    {request("CONNECT gcr.io:0 HTTP/1.1"), 400, "port", "http_request_error", "route"},
    {request("CONNECT gcr.io:65536 HTTP/1.1"), 400, "port", "http_request_error", "route"},
    {request("CONNECT https://gcr.io:443/ HTTP/1.1"), 400, "host:port", "http_request_error",
     "route"},
    {request("CONNECT user:hush@gcr.io:443 HTTP/1.1"), 400, "", "http_request_error", "route"},
    {"GET http://gcr.io/ HTTP/1.1\r\n\r\n", 400, "Host", "http_request_error", "route"},
    {"CONNECT gcr.io:443 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "Host", "http_request_error",
     "route"},
    {"CONNECT gcr.io:443 HTTP/1.1\nHost: gcr.io\n\n", 400, "LF", "http_request_error"},
    {"CONNECT gcr.io:443 HTTP/1.1\r\nHost : gcr.io\r\n\r\n", 400, "white space",
     "http_request_error"},
    {"CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io\r\nVia: 1.1 x, 1.1 culvert-test\r\n\r\n", 508,
     "has been here before", "proxy_loop_detected", "route"},
    {"\r\n\r\n\r\n\r\n\r\n\r\n", 400, "empty lines", "http_request_error"},
    {request("GET https://gcr.io/ HTTP/1.1"), 501, "CONNECT", "method_not_implemented", "route"},
    {request("GET ftp://gcr.io/ HTTP/1.1"), 501, "ftp", "method_not_implemented", "route"},
    {"CONNECT " + std::string(20'000, 'x') + ":443 HTTP/1.1\r\nHost: x\r\n\r\n", 414,
     "request target", "http_uri_too_long"},
    {"CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n",
     431, "head", "http_request_too_large"},
};

}  // namespace

TEST_CASE("what cannot be served is answered with a status and a sentence, and nobody is dialed") {
  const Case& test = GENERATE(from_range(kCases));
  // A long head takes too many turns byte by byte, and its scanner has tests of its own.
  const Pace pace = test.request.size() > 1000 ? Pace{false, 16'384} : GENERATE(from_range(kPaces));
  CAPTURE(shown(test.request), to_string(pace));
  Scene scene(pace);
  scene.client.sends(test.request).ends();
  scene.start();
  const Answer answer = scene.answer();
  CHECK(answer.status == test.status);
  if (pace.gulp == Pace::kAll) CHECK_THAT(answer.reason, Contains(test.reason));
  CHECK(scene.dials() == 0);
  CHECK_THAT(scene.access_text(),
             Contains(" upstream=- outcome=" + test.outcome + " stage=" + test.stage +
                      " status=" + std::to_string(test.status) + " "));
  CHECK_THAT(scene.client.received() + scene.access_text() + scene.log_text(), !Contains("hush"));
}

TEST_CASE("who speaks another protocol gets the last word in it, and the log has the fix") {
  struct Row {
    std::string request;
    std::string answer;  ///< how it begins
    std::string status;
    std::string fix;
  };
  const auto row = GENERATE(values<Row>({
      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s, "\x15\3\3\0\2\2\x6f"s,
       "outcome=http_request_error stage=head status=400", "in https_proxy"},
      {"\x16", "\x15\3\3\0\2\2\x6f"s, "outcome=http_request_error stage=head status=400",
       "in https_proxy"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\0\0\0\4\0\0\0\0\0"s,
       "outcome=version_not_supported stage=head status=505", "inside a CONNECT tunnel"},
      {"SSH-2.0-OpenSSH_9.2p1\r\n", "SSH-2.0-culvert\r\n",
       "outcome=http_request_error stage=head status=400", "nc -X 5"},
  }));
  CAPTURE(shown(row.request));
  Scene scene;
  scene.client.sends(row.request).ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.received().starts_with(row.answer));
  CHECK_THAT(scene.client.received(), !Contains("HTTP/1.1"));
  CHECK_FALSE(scene.client.closed_by_reset());
  CHECK(scene.dials() == 0);
  CHECK_THAT(scene.access_text(),
             Contains(" method=- target=- upstream=- " + row.status) && Contains(row.fix));
  CHECK_THAT(scene.log_text(), Contains(row.fix));
}

TEST_CASE("the access line of a refused request names what a sound request line asked for") {
  struct Row {
    std::string request;
    int status;
    std::string named;
  };
  const std::string host = "Host: gcr.io\r\n";
  const std::string connect = "CONNECT GCR.io:443 HTTP/1.1\r\n";
  const std::string get = "GET http://gcr.io/v2/?token=hush HTTP/1.1\r\n";
  const std::string gcr = " method=CONNECT target=gcr.io:443 ";
  const std::string v2 = " method=GET target=http://gcr.io/v2/?... ";
  const auto row = GENERATE_COPY(values<Row>({
      {connect + host + "A : b\r\n\r\n", 400, gcr},
      {connect + host + "A: b\nC: d\r\n\r\n", 400, gcr},
      {connect + host + host + "\r\n", 400, gcr},
      {connect + std::string(201, 'A') + ": " + std::string(70'000, 'b'), 431, gcr},
      {"\r\n" + connect + "A\r\n\r\n", 400, gcr},
      {get + host + "A b: c\r\n\r\n", 400, v2},
      {get + "\r\n", 400, v2},
      {get + host + "Expect: hush\r\n\r\n", 417, v2},
      {get + host + "Content-Length: x\r\n\r\n", 400, v2},
      {"GET https://gcr.io/v2/ HTTP/1.1\r\n" + host + "\r\n", 501, " target=https://gcr.io/*** "},
      {"GET /v2/?token=hush HTTP/1.1\r\n" + host + "\r\n", 400, " target=/v2/?... "},
      {"GET /u:hush@gcr.io HTTP/1.1\r\n" + host + "\r\n", 400, " method=GET "},
      {"CONNECT gcr.io HTTP/1.1\r\n" + host + "\r\n", 400, " target=gcr.io "},
      {"CONNECT u:hush@gcr.io:443 HTTP/1.1\r\n" + host + "\r\n", 400, " target=***@gcr.io:443 "},
      {"CONNECT u%3Ahush HTTP/1.1\r\n" + host + "\r\n", 400, " target=*** "},
      {"GET http://u:hush@gcr.io/ HTTP/1.1\r\n" + host + "\r\n", 400, " method=GET "},
      {"CONNECT gcr.io:443 HTTP/1.1\nHost: a\r\n\r\n", 400, " method=- target=- "},
      {"CONNECT gcr.io:443 HTTP/3\r\n\r\n", 400, " method=- target=- "},
  }));
  CAPTURE(shown(row.request));
  Scene scene;
  scene.client.sends(row.request).ends();
  scene.start();
  CHECK(scene.answer().status == row.status);
  CHECK_THAT(scene.access_text(), Contains(row.named) && !Contains("hush"));
}

TEST_CASE("so does that of a request that does not arrive as a whole") {
  Scene scene;
  scene.config.header_timeout = 30ms;
  scene.client.sends("CONNECT gcr.io:443 HTTP/1.1\r\nHost: gc");
  std::string outcome;
  SECTION("its client leaves") {
    outcome = "canceled";
    scene.client.ends();
    scene.start();
  }
  SECTION("it is late") {
    outcome = "http_request_timeout";
    scene.start();
    REQUIRE(turn_until(scene.loop, [&] { return scene.client.received_end(); }));
    scene.client.ends();
  }
  SECTION("we shut down") {
    outcome = "aborted";
    scene.start();
    settle(scene.loop);
    scene.session->abort("told to");
  }
  REQUIRE(scene.run());
  CHECK_THAT(scene.access_text(), Contains(" method=CONNECT target=gcr.io:443 ") &&
                                      Contains(" outcome=" + outcome + " "));
}

TEST_CASE("RFC 9110 9.3.2: a bad HEAD request gets its error without a body") {
  Scene scene(GENERATE(Pace{}, Pace{true, 1}));
  const std::string before = GENERATE("", "\r\n");
  const std::string rest = GENERATE("A : b\r\n", "A: b\n", "Content-Length: x\r\n");
  scene.client.sends(before + "HEAD http://gcr.io/ HTTP/1.1\r\nHost: gcr.io\r\n" + rest + "\r\n")
      .ends();
  scene.start();
  REQUIRE(scene.run());
  const Answer answer = parse_answer(scene.client.received());
  CHECK(answer.status == 400);
  CHECK_THAT(answer.head, Contains("Content-Length: "));
  CHECK(answer.body.empty());
}

TEST_CASE("a head that does not come in time is a 408") {
  Scene scene;
  scene.config.header_timeout = 30ms;
  scene.client.sends(GENERATE("CONN", "CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io\r\n"));
  scene.start();
  const auto begun = scene.loop.now();
  REQUIRE(turn_until(scene.loop, [&] { return scene.client.received_end(); }));
  CHECK(scene.loop.now() - begun == 30ms);
  scene.client.ends();  // or we linger
  CHECK(scene.answer().status == 408);
  CHECK_THAT(scene.access_text(), Contains(" outcome=http_request_timeout stage=head status=408 "));
}

TEST_CASE("a client that drips its head has no more time than one that is silent") {
  Scene scene;
  scene.config.header_timeout = 60ms;
  scene.start();
  // All of it takes several times the limit.
  std::string_view unsent = kConnect;
  while (!unsent.empty() && !scene.client.received_end()) {
    scene.client.sends(std::string(unsent.substr(0, 1)));
    unsent.remove_prefix(1);
    turn_for(scene.loop, 8ms);
  }
  CHECK(kConnect.size() - unsent.size() == 8);
  scene.client.ends();
  CHECK(scene.answer().status == 408);
}

TEST_CASE("a client that leaves before its head is complete is a line in the log, no more") {
  Scene scene;
  const std::string sent = GENERATE("CONN", "CONNECT gcr.io:443 HTTP/1.1\r\n");
  scene.client.sends(sent);
  const bool reset = GENERATE(false, true);
  if (reset) {
    scene.client.resets();
  } else {
    scene.client.ends();
  }
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.received() == "");
  CHECK_THAT(scene.access_text(),
             Contains(" outcome=canceled stage=head status=0 ") && Contains(" closed_by=client "));
}

TEST_CASE("a health probe of TCP leaves no line and gets no answer") {
  Scene scene;
  scene.config.header_timeout = 30ms;
  const auto how = GENERATE(0, 1, 2);
  if (how == 0) scene.client.ends();
  if (how == 1) scene.client.resets();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.received() == "");
  CHECK(scene.access_text().empty());
}

TEST_CASE("a client that is not admitted gets a 403 after its request") {
  Scene scene;
  scene.peer = HostPort::parse("192.0.2.7:4711").value();
  scene.client.sends(std::string(kConnect)).ends();
  scene.start();
  const Answer answer = scene.answer();
  CHECK(answer.status == 403);
  CHECK_THAT(answer.reason, Contains("192.0.2.7") && Contains("--allow-client"));
  CHECK(scene.dials() == 0);
  CHECK_THAT(scene.access_text(), Contains(" client=192.0.2.7:4711 ") &&
                                      Contains(" target=gcr.io:443 ") &&
                                      Contains(" outcome=http_request_denied stage=route "));
}

TEST_CASE("a client of a block that is allowed is served") {
  Scene scene;
  scene.config.allow_clients = {*Cidr::parse("192.0.2.0/24")};
  scene.peer = HostPort::parse("192.0.2.7:4711").value();
  scene.client.sends(std::string(kConnect)).expects(std::string(kEstablished)).ends();
  scene.upstream.expects_end().ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
}

TEST_CASE("a target that a route denies is a 403 that names the rule") {
  Scene scene;
  RoutingTable table;
  table.otherwise = {{}, "--route *=deny"};
  scene.router.emplace(std::move(table));
  scene.client.sends(std::string(kConnect)).ends();
  scene.start();
  const Answer answer = scene.answer();
  CHECK(answer.status == 403);
  CHECK_THAT(answer.reason, Contains("gcr.io:443") && Contains("--route *=deny"));
  CHECK(scene.dials() == 0);
}

TEST_CASE("a client that connects while we drain gets a 503, after the whole request") {
  Scene scene;
  scene.client.sends("CONNECT gcr.io:443 HTTP/1.1\r\n");
  scene.start(Admission::draining);
  settle(scene.loop);
  CHECK(scene.client.received() == "");
  scene.client.sends("Host: gcr.io\r\n\r\n").ends();
  const Answer answer = scene.answer();
  CHECK(answer.status == 503);
  CHECK_THAT(answer.reason, Contains("shutting down") && Contains("gcr.io:443"));
  CHECK(scene.dials() == 0);
  CHECK_THAT(scene.access_text(),
             Contains(" outcome=proxy_draining ") && Contains(" closed_by=culvert "));
}

TEST_CASE("who is in the middle of a head when the drain begins gets an answer") {
  Scene scene;
  scene.client.sends("CONNECT gcr.io:443 HTTP/1.1\r\n");
  scene.start();
  settle(scene.loop);
  scene.session->begin_drain();
  scene.client.sends("Host: gcr.io\r\n\r\n").ends();
  CHECK(scene.answer().status == 503);
}

TEST_CASE("who has not begun to ask when the drain begins is not waited for long") {
  Scene scene;
  scene.start();
  settle(scene.loop);
  scene.session->begin_drain();
  const auto begun = scene.loop.now();
  REQUIRE(scene.run());
  CHECK(scene.loop.now() - begun == 1s);
  CHECK(scene.client.received() == "");
}

TEST_CASE("a tunnel that stands is not touched by a drain") {
  Scene scene;
  scene.client.sends(std::string(kConnect)).expects(std::string(kEstablished));
  scene.start();
  settle(scene.loop);
  scene.session->begin_drain();
  scene.client.sends("still").ends();
  scene.upstream.expects("still").expects_end().ends();
  REQUIRE(scene.run());
  CHECK(scene.upstream.verdict() == "");
}

TEST_CASE("a client beyond the limit gets a 503 that names the limit") {
  Scene scene;
  scene.config.max_connections = 17;
  scene.client.sends(std::string(kConnect)).ends();
  scene.start(Admission::full);
  const Answer answer = scene.answer();
  CHECK(answer.status == 503);
  CHECK_THAT(answer.reason,
             Contains("17") && Contains("--max-connections") && Contains("gcr.io:443"));
  CHECK(scene.dials() == 0);
}

TEST_CASE("a client without a descriptor keeps the one of its 503 for a tenth of a second") {
  Scene scene;
  const auto [admission, kept] =
      GENERATE(std::pair(Admission::crowded, 100ms), std::pair(Admission::full, 2'000ms));
  scene.client.sends(std::string(kConnect));
  scene.start(admission);
  settle(scene.loop);
  CHECK(parse_answer(scene.client.received()).status == 503);
  turn_for(scene.loop, kept - 1ms);
  CHECK(scene.client.open());
  turn_for(scene.loop, 1ms);
  CHECK_FALSE(scene.client.open());
}

TEST_CASE("a client without a descriptor gives way once it has its 503") {
  Scene scene;
  scene.client.takes(0);
  scene.client.sends(std::string(kConnect));
  scene.start(Admission::crowded);
  settle(scene.loop);
  CHECK(scene.session->can_be_spared(scene.loop.now() - 1ms));
  CHECK_FALSE(scene.session->is_settled());
  scene.client.takes_all();
  settle(scene.loop);
  CHECK(scene.session->is_settled());
  scene.session->give_way();
  CHECK_FALSE(scene.client.open());
  const Answer answer = parse_answer(scene.client.received());
  CHECK(answer.status == 503);
  CHECK_THAT(answer.reason, Contains("no file descriptors are left"));
  CHECK_THAT(scene.access_text(), Contains("outcome=connection_limit_reached"));
}

TEST_CASE("a client that was refused for another reason gives way after its time") {
  Scene scene;
  scene.client.sends("CONNECT gcr.io HTTP/1.1\r\nHost: x\r\n\r\n");
  scene.start();
  settle(scene.loop);
  REQUIRE_THAT(scene.client.received(), Contains("HTTP/1.1 400 "));
  const auto begun = scene.session->started();
  CHECK_FALSE(scene.session->can_be_spared(begun - 1ms));
  CHECK(scene.session->can_be_spared(begun));
  CHECK(scene.session->is_settled());
  scene.session->give_way();
  CHECK_FALSE(scene.client.open());
  CHECK_THAT(scene.access_text(), Contains("status=400"));
}

TEST_CASE("what was in the queue before a SOCKS greeting was answered is not its client's time") {
  Scene scene;
  scene.start();
  scene.session->note_wait_in_queue();
  CHECK(scene.session->can_be_spared(scene.session->started() - 1ms));
  CHECK(scene.session->time_for_turns() == 0ms);
  scene.client.sends("\x05\x01");
  settle(scene.loop);
  CHECK_FALSE(scene.session->can_be_spared(scene.loop.now() - 1s));
  CHECK(scene.session->time_for_turns() >= 100ms);
}

TEST_CASE("one that has asked for nothing gives way when it has had its time") {
  Scene scene;
  scene.client.sends("CONNECT gcr.io:443 HTTP/1.1\r\n");
  scene.start();
  settle(scene.loop);
  SECTION("here") {
    const auto begun = scene.loop.now();
    CHECK_FALSE(scene.session->can_be_spared(begun - 1ms));
    CHECK(scene.session->can_be_spared(begun));
  }
  SECTION("in the queue") {
    scene.session->note_wait_in_queue();
    CHECK(scene.session->can_be_spared(scene.loop.now() - 1ms));
    CHECK(scene.session->is_settled());
  }
  SECTION("and not once it has asked") {
    scene.session->note_wait_in_queue();
    scene.client.sends("\r\n");
    settle(scene.loop);
    CHECK_FALSE(scene.session->can_be_spared(scene.loop.now()));
  }
}

TEST_CASE("an answer reaches a client that is still sending: we read on, and do not reset") {
  Scene scene(Pace{}, Pace{});
  scene.client.sends(request("CONNECT gcr.io HTTP/1.1") + std::string(200'000, 'x'));
  scene.start();
  settle(scene.loop);
  CHECK(parse_answer(scene.client.received()).status == 400);
  CHECK(scene.client.received_end());
  CHECK(scene.client.unread() == 0);
  CHECK(scene.client.open());
  scene.client.sends("more").ends();
  CHECK(scene.answer().status == 400);
}

TEST_CASE("an answer that the client takes in pieces arrives whole") {
  Scene scene;
  scene.client.takes(10);
  scene.client.sends(request("CONNECT gcr.io HTTP/1.1")).ends();
  scene.start();
  settle(scene.loop);
  CHECK(scene.client.received() == "HTTP/1.1 4");
  scene.client.takes_all();
  CHECK(scene.answer().status == 400);
}

TEST_CASE("a client that sends without end is not read without end") {
  Scene scene;
  scene.client.sends(request("CONNECT gcr.io HTTP/1.1") + std::string(3 << 20, 'x'));
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.unread() > 0);
}

TEST_CASE("a client that neither reads nor leaves after its answer does not stay for long") {
  Scene scene;
  scene.client.sends(request("CONNECT gcr.io HTTP/1.1"));
  scene.start();
  const auto begun = scene.loop.now();
  REQUIRE(scene.run());
  CHECK(scene.loop.now() - begun == 2s);
  CHECK_THAT(scene.access_text(), Contains(" status=400 "));
}

TEST_CASE("RFC 9112 9.6: a client that goes on sending behind its answer is read on") {
  Scene scene;
  scene.client.sends(request("CONNECT gcr.io HTTP/1.1"));
  scene.start();
  const auto begun = scene.loop.now();
  while (scene.loop.now() - begun < 2'600ms && scene.finished == 0) {
    scene.client.sends("more");
    turn_for(scene.loop, 100ms);
  }
  CHECK(scene.finished == 0);
  CHECK(scene.client.open());
  REQUIRE(scene.run());
  CHECK(scene.loop.now() - begun == 4'500ms);
}

TEST_CASE("a client that resets instead of taking its answer is logged as gone") {
  Scene scene;
  scene.client.takes(0);
  scene.client.sends(request("CONNECT gcr.io HTTP/1.1"));
  scene.start();
  settle(scene.loop);
  scene.client.resets();
  REQUIRE(scene.run());
  CHECK_THAT(scene.access_text(), Contains(" outcome=canceled ") && Contains("gone before"));
}
