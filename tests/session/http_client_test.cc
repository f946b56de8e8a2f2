// Requests from an HTTP client's bytes, without a session.
#include "session/http_client.h"

#include <optional>
#include <string>
#include <vector>

#include "net/manual_clock.h"
#include "support/catch.h"
#include "support/cuts.h"
#include "support/scripted_stream.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

constexpr std::string_view kConnect = "CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n\r\n";
constexpr std::string_view kGet = "GET http://a.example/path HTTP/1.1\r\nHost: a.example\r\n\r\n";

/// A client and the events of its protocol.
struct Scene final : StreamEvents, ClientEvents {
  explicit Scene(Pace pace = {})
      : peer(loop, pace), stream(peer.stream()), http(context, *stream, listener) {
    stream->set_events(this);
  }
  ~Scene() {
    CHECK(reports <= 1);
    stream->set_events(nullptr);
  }
  void start() {
    http.start(*this);
    settle(loop, 100);
  }

  void on_ready(Stream&) override {
    if (reports == 0) http.on_ready();
  }
  void on_request_begun() override { ++begun; }
  bool on_balanced(const ConnectionEnds&) override { return true; }
  void on_request(ClientRequest& given) override {
    ++reports;
    request = &given;
  }
  void on_bad_request(Error given) override {
    ++reports;
    error = std::move(given);
  }
  void on_client_gone(std::string_view detail) override {
    ++reports;
    gone = detail;
  }
  void on_other_protocol(std::unique_ptr<ClientProtocol> spoken) override {
    ++reports;
    other = std::move(spoken);
  }
  void on_tls(const ListenerTerms&) override {
    ++reports;
    tls = true;
  }
  void on_user(std::string_view) override {}
  void on_client_idle(Side closed_by) override {
    ++reports;
    idle = closed_by;
  }

  ManualClock clock;
  Loop loop{&clock};
  Log log{-1, -1, Log::Level::error, Log::Format::text};
  Config config;
  AccessPolicy access{{}, false};
  Router router{1};
  std::vector<HostPort> listeners;
  AddressGuard guard{listeners, router, [](const IpAddress&) { return false; }};
  std::vector<std::unique_ptr<Upstream>> upstreams;
  std::string buffer = std::string(4096, '\0');
  Resumptions resumptions;
  PipePool pipes;
  ListenConfig listen;
  ListenerTerms listener{listen};
  SessionContext context{.loop = loop,
                         .log = log,
                         .config = config,
                         .gate = Gate(access, router, 1),
                         .guard = guard,
                         .upstreams = upstreams,
                         .resumptions = resumptions,
                         .flow = {buffer, pipes},
                         .pseudonym = "scene"};
  Peer peer;
  std::unique_ptr<Stream> stream;
  HttpClient http;
  int reports = 0;
  int begun = 0;
  ClientRequest* request = nullptr;
  std::optional<Error> error;
  std::optional<std::string> gone;
  std::unique_ptr<ClientProtocol> other;
  bool tls = false;
  std::optional<Side> idle;
};

}  // namespace

TEST_CASE("a CONNECT requests a tunnel, and its first bytes follow it") {
  Scene scene(GENERATE(Pace{}, Pace{true, Pace::kAll}));
  scene.peer.sends(std::string(kConnect) + "early");
  scene.start();
  REQUIRE(scene.request != nullptr);
  CHECK(scene.begun == 1);
  CHECK(scene.request->method == "CONNECT");
  CHECK(scene.request->target->to_string() == "gcr.io:443");
  CHECK(scene.request->plain == nullptr);
  CHECK_FALSE(scene.request->looped);
  CHECK(scene.request->rest == "early");
  CHECK(scene.http.established() == "HTTP/1.1 200 Connection established\r\n\r\n");
}

TEST_CASE("nothing is kept of the password of a request, and all of what follows it is") {
  Scene scene;
  scene.peer.sends(
      "CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n"
      "proxy-authorization: Basic YWxpY2U6aHVzaA==\r\n\r\nearly");
  scene.start();
  REQUIRE(scene.request != nullptr);
  const auto given = scene.http.take_credentials();
  REQUIRE(given);
  CHECK(given->user == "alice");
  CHECK(given->password.reveal() == "hush");
  CHECK(scene.buffer.find("YWxpY2U6") == std::string::npos);
  CHECK_FALSE(scene.http.take_credentials());
  CHECK(scene.request->rest == "early");
  CHECK(scene.request->target->to_string() == "gcr.io:443");
}

TEST_CASE("plain requests come one after the other") {
  Scene scene;
  scene.peer.sends(std::string(kGet));
  scene.start();
  for (int i = 0; i < 3; ++i) {
    REQUIRE(scene.request != nullptr);
    CHECK(scene.request->method == "GET");
    REQUIRE(scene.request->plain != nullptr);
    CHECK(scene.request->plain->target.path == "/path");
    CHECK(scene.request->target->to_string() == "a.example:80");
    scene.request = nullptr;
    scene.reports = 0;
    scene.http.next_request();
    scene.peer.sends(std::string(kGet));
    settle(scene.loop, 20);
  }
}

TEST_CASE("a request that has been here before is known again") {
  Scene scene;
  scene.peer.sends("CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io\r\nVia: 1.1 scene\r\n\r\n");
  scene.start();
  REQUIRE(scene.request != nullptr);
  CHECK(scene.request->looped);
}

TEST_CASE("a head that nobody understands is no request, a bad target is a mistaken one") {
  Scene scene;
  SECTION("head") {
    scene.peer.sends("CONNECT gcr.io:443 HTTP/1.1\nHost: gcr.io\n\n");
    scene.start();
    REQUIRE(scene.error);
    CHECK(scene.error->code == Errc::http_request_error);
  }
  SECTION("another protocol") {
    scene.peer.sends("\x16\x03");
    scene.start();
    REQUIRE(scene.error);
    CHECK_THAT(scene.error->text, Contains("TLS"));
    CHECK(scene.begun == 0);
  }
  SECTION("target") {
    scene.peer.sends("CONNECT gcr.io HTTP/1.1\r\nHost: gcr.io\r\n\r\n");
    scene.start();
    REQUIRE(scene.request != nullptr);
    REQUIRE(scene.request->mistake);
    CHECK(scene.request->method == "CONNECT");
  }
}

TEST_CASE("who sends a server's request to the proxy is told to send the URL") {
  Scene scene;
  ListenConfig listener;
  listener.address = HostPort::parse("127.0.0.1:3128").value();
  scene.config.listen = {listener};
  const auto [host, elsewhere] = GENERATE(table<std::string, bool>({
      {"Host: a.example\r\n", true},
      {"Host: 127.0.0.1:8080\r\n", true},
      {"Host: 127.0.0.1:3128\r\n", false},
      {"Host: culvert.example:3128\r\n", false},
      {"Host: a b\r\n", false},
      {"", false},
  }));
  scene.peer.sends("GET /path?token HTTP/1.1\r\n" + host + "\r\n");
  scene.start();
  REQUIRE(scene.request != nullptr);
  REQUIRE(scene.request->mistake);
  const std::string& text = scene.request->mistake->text;
  CHECK_THAT(text, Contains("this is a proxy, not a web server"));
  CHECK_THAT(text, !Contains("token"));
  const bool names_url = text.find("send the absolute URL, http://") != std::string::npos;
  CHECK(names_url == elsewhere);
}

TEST_CASE("a no to HEAD has no body") {
  Scene scene;
  const bool head = GENERATE(true, false);
  const std::string method = head ? "HEAD" : "GET";
  scene.peer.sends(method + " http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n");
  scene.start();
  const std::string no = scene.http.refusal({Errc::http_request_denied, Side::local, 0, "no"});
  CHECK_THAT(no, Contains("HTTP/1.1 403 culvert: no\r\n"));
  CHECK(no.ends_with("\r\n\r\n") == head);
}

TEST_CASE("a client that leaves is reported, unless nothing was going on") {
  Scene scene;
  SECTION("without a request") {
    scene.peer.ends();
    scene.start();
    CHECK(scene.idle == Side::client);  // a health probe
  }
  SECTION("within one") {
    scene.peer.sends("CONNECT ").ends();
    scene.start();
    CHECK(scene.gone == "closed within the request's head");
  }
  SECTION("between two") {
    scene.peer.sends(std::string(kGet)).ends();
    scene.start();
    scene.reports = 0;
    scene.http.next_request();
    settle(scene.loop, 20);
    CHECK(scene.idle == Side::client);
  }
}

TEST_CASE("a head that does not come in time") {
  Scene scene;
  scene.config.header_timeout = 20ms;
  scene.peer.sends("CONNECT ");
  scene.start();
  turn_for(scene.loop, 19ms);
  CHECK(scene.reports == 0);
  turn_for(scene.loop, 1ms);
  REQUIRE(scene.error);
  CHECK(scene.error->code == Errc::http_request_timeout);
}

TEST_CASE("a client that never begins is closed without an answer") {
  Scene scene;
  scene.config.header_timeout = 20ms;
  scene.peer.sends(GENERATE("", "\r\n"));
  scene.start();
  turn_for(scene.loop, 20ms);
  CHECK_FALSE(scene.error);
  CHECK(scene.idle == Side::local);
}

TEST_CASE("between two requests silence is no mistake") {
  Scene scene;
  scene.config.keep_alive_timeout = 20ms;
  scene.peer.sends(std::string(kGet));
  scene.start();
  scene.reports = 0;
  scene.http.next_request();
  SECTION("for too long") {
    turn_for(scene.loop, 19ms);
    CHECK(scene.reports == 0);
    turn_for(scene.loop, 1ms);
  }
  SECTION("when draining begins") {
    scene.http.begin_drain();
    settle(scene.loop);
  }
  CHECK(scene.reports == 1);
  CHECK(scene.idle == Side::local);
}

TEST_CASE("a listener for HTTP only explains to a SOCKS client what to write") {
  Scene scene;
  scene.listen.speaks = ListenConfig::Speaks::http_only;
  scene.peer.sends("\x05\x01");
  scene.start();
  CHECK(scene.other == nullptr);
  REQUIRE(scene.error);
  CHECK_THAT(scene.error->text, Contains("write http://"));
}

TEST_CASE("a first byte of SOCKS hands the connection on, whole") {
  Scene scene;
  scene.peer.sends("\x05\x01");
  scene.start();
  REQUIRE(scene.other != nullptr);
  CHECK(scene.begun == 0);
  CHECK(scene.stream->try_read(scene.buffer).bytes == 2);
}

TEST_CASE("another protocol is known however its first bytes are cut") {
  struct Row {
    std::string bytes;
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {"SSH-2.0-OpenSSH_9.2\r\n", "spoke SSH"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "spoke HTTP/2"},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY protocol header"},
      {"\r\n\r\n\0\r\nQUIT\n\x21\x11"s, "PROXY protocol header"},
  }));
  const auto cutting = GENERATE_COPY(range(std::size_t{0}, cuttings(row.bytes).size()));
  CAPTURE(row.text, cutting);
  Scene scene;
  scene.http.start(scene);
  const Pieces pieces = cuttings(row.bytes)[cutting];
  for (const std::string_view piece : pieces) {
    scene.peer.sends(std::string(piece));
    settle(scene.loop, 20);
    if (scene.reports > 0) break;
  }
  REQUIRE(scene.error);
  CHECK_THAT(scene.error->text, Contains(row.text));
}

TEST_CASE("what begins as another protocol may still be HTTP") {
  const std::string method = GENERATE("", "P", "PR", "PROXY", "SSH", "S", "PRI", "\r\n\r\n");
  Scene scene;
  scene.http.start(scene);
  scene.peer.sends(method);
  settle(scene.loop, 20);
  scene.peer.sends("A http://a.example/path HTTP/1.1\r\nHost: a.example\r\n\r\n");
  settle(scene.loop, 20);
  CHECK(scene.request != nullptr);
}
