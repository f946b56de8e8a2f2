// One connection to the admin interface: what it reads, writes and waits for, and how it ends.
#include "admin/admin_connection.h"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "base/text.h"
#include "net/manual_clock.h"
#include "support/catch.h"
#include "support/held_passwords.h"
#include "support/scripted_stream.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

std::string get(std::string_view path, std::string_view fields = {},
                std::string_view method = "GET") {
  return concat({method, " ", path, " HTTP/1.1\r\nHost: localhost\r\n", fields, "\r\n"});
}

std::string signed_in(std::string_view path, std::string_view pair) {
  return get(path, concat({"Authorization: Basic ", base64_encode(pair), "\r\n"}));
}

/// A client at the admin interface, and its owner, who answers each request with its path.
class Visit final : private AdminConnection::Owner {
 public:
  explicit Visit(Pace pace = {}) : peer(loop, pace) { config.upstreams = {direct()}; }
  ~Visit() {
    held = false;
    connection.reset();
    settle(loop);
  }

  /// Who signs in as alice with "s3cret" gets in.
  void add_users() {
    std::vector<std::string> problems;
    config.users = std::make_shared<const PasswordFile>(PasswordFile::parse(
        "alice:$5$rounds=1000$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7", problems));
    config.auth_file = "/users";
    held = false;
    while (checking > 0) std::this_thread::sleep_for(1ms);  // of the test before
  }
  void start() {
    ruleset =
        std::make_shared<Ruleset>(config, std::vector<std::shared_ptr<const TlsClientContext>>(1));
    if (config.users) {
      ruleset->password_checks = std::make_shared<PasswordChecks>(1, matches_when_let);
    }
    AdminConnection::Owner& owner = *this;
    connection = std::make_shared<AdminConnection>(
        loop, owner, AdminDoor{is_runtime ? nullptr : &door}, ruleset, peer.stream(), client);
    connection->start();
    settle(loop);
  }
  void send(const std::string& bytes) {
    peer.sends(bytes);
    settle(loop);
  }
  void pass(std::chrono::milliseconds time) {
    clock.advance(time);
    settle(loop);
  }
  /// What has arrived since it was asked last.
  std::string got() {
    std::string fresh = peer.received().substr(told_);
    told_ = peer.received().size();
    return fresh;
  }
  bool await(const std::string& part) {
    return turn_until(loop, [&] { return peer.received().find(part) != std::string::npos; });
  }
  /// It has ended, and nothing more comes.
  bool over() const { return closed == 1 && peer.received_end(); }

  ManualClock clock;
  Loop loop{&clock};
  Config config;
  ListenConfig door;
  bool is_runtime = false;
  std::optional<HostPort> client = HostPort::parse("127.0.0.1:50001").value();
  Peer peer;
  std::shared_ptr<Ruleset> ruleset;
  std::shared_ptr<AdminConnection> connection;
  bool answers = true;
  std::vector<std::string> paths;  ///< that were asked for
  std::vector<bool> anonymous;     ///< of each of them
  int closed = 0;

 private:
  void on_request(AdminConnection& from, const AdminRequest& request) override {
    paths.push_back(request.path);
    anonymous.push_back(from.is_anonymous());
    if (answers) from.answer({.type = kTextType, .body = request.path});
  }
  void on_closed(AdminConnection& from) override {
    ++closed;
    CHECK(&from == connection.get());
  }

  std::size_t told_ = 0;
};

/// Of all answers in `bytes`, in their order.
std::vector<std::string> bodies(const std::string& bytes) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::string field = "Content-Length: ";
    const std::size_t end = bytes.find("\r\n\r\n", at);
    const std::size_t length = bytes.find(field, at);
    REQUIRE(end != std::string::npos);
    REQUIRE(length < end);
    const auto size =
        static_cast<std::size_t>(std::strtoul(bytes.c_str() + length + field.size(), nullptr, 10));
    out.push_back(bytes.substr(end + 4, size));
    at = end + 4 + size;
  }
  return out;
}

}  // namespace

TEST_CASE("one request after another over one connection, in any pieces") {
  for (const Pace& pace : kPaces) {
    CAPTURE(to_string(pace));
    Visit visit(pace);
    visit.start();
    visit.peer.sends(get("/a"));
    REQUIRE(visit.await("\r\n\r\n/a"));
    CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 200 OK\r\n") && !Contains("Connection:"));
    visit.peer.sends(get("/b"));
    REQUIRE(visit.await("\r\n\r\n/b"));
    CHECK(visit.paths == std::vector<std::string>{"/a", "/b"});
    CHECK(visit.closed == 0);
  }
}

TEST_CASE("requests that come at once are answered in their order") {
  for (const Pace& pace : kPaces) {
    CAPTURE(to_string(pace));
    Visit visit(pace);
    visit.start();
    visit.peer.sends(get("/a") + get("/b") + get("/c"));
    REQUIRE(visit.await("\r\n\r\n/c"));
    CHECK(bodies(visit.peer.received()) == std::vector<std::string>{"/a", "/b", "/c"});
    CHECK(visit.closed == 0);
  }
}

TEST_CASE("the next request waits for the answer to the one before") {
  Visit visit;
  visit.answers = false;
  visit.start();
  visit.send(get("/a") + get("/b"));
  CHECK(visit.paths == std::vector<std::string>{"/a"});
  visit.connection->answer({.type = kTextType, .body = "one"});
  settle(visit.loop);
  CHECK(visit.paths == std::vector<std::string>{"/a", "/b"});
  visit.connection->answer({.type = kTextType, .body = "two"});
  settle(visit.loop);
  CHECK(bodies(visit.got()) == std::vector<std::string>{"one", "two"});
}

TEST_CASE("many requests at once need no more memory or stack than one") {
  Visit visit;
  visit.start();
  std::string all;
  for (int i = 0; i < 2'000; ++i) all += get("/x");
  visit.peer.sends(all);
  REQUIRE(turn_until(visit.loop, [&] { return visit.paths.size() == 2'000; }));
  settle(visit.loop);
  CHECK(bodies(visit.peer.received()).size() == 2'000);
  CHECK(visit.closed == 0);
}

TEST_CASE("a HEAD gets the head alone") {
  Visit visit;
  visit.start();
  visit.send(get("/abc", {}, "HEAD"));
  CHECK_THAT(visit.got(), Contains("Content-Length: 4\r\n") && EndsWith("\r\n\r\n"));
  visit.send(get("/b"));
  CHECK(bodies(visit.got()) == std::vector<std::string>{"/b"});
}

TEST_CASE("a HEAD that is refused gets the head alone, too") {
  Visit visit;
  visit.start();
  visit.send("HEAD / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 421 ") && EndsWith("\r\n\r\n"));
  CHECK(visit.over());
}

TEST_CASE("an answer without a content") {
  Visit visit;
  visit.answers = false;
  visit.start();
  visit.send(get("/a") + get("/b"));
  visit.connection->answer({.status = 204});
  settle(visit.loop);
  CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 204 No Content\r\n") && EndsWith("\r\n\r\n"));
  CHECK(visit.paths.size() == 2);
}

TEST_CASE("a connection ends where its client or the answer says so") {
  SECTION("Connection: close") {
    Visit visit;
    visit.start();
    visit.send(get("/a", "Connection: close\r\n"));
    CHECK_THAT(visit.got(), Contains("\r\nConnection: close\r\n") && EndsWith("/a"));
    CHECK(visit.over());
  }
  SECTION("HTTP/1.0") {
    Visit visit;
    visit.start();
    visit.send("GET /a HTTP/1.0\r\n\r\n");
    CHECK_THAT(visit.got(), Contains("\r\nConnection: close\r\n") && EndsWith("/a"));
    CHECK(visit.over());
  }
  SECTION("the answer") {
    Visit visit;
    visit.answers = false;
    visit.start();
    visit.send(get("/a"));
    visit.connection->answer({.type = kTextType, .body = "x", .close = true});
    CHECK_THAT(visit.got(), Contains("\r\nConnection: close\r\n"));
    settle(visit.loop);
    CHECK(visit.over());
  }
  SECTION("a request that is refused before its body") {
    Visit visit;
    visit.start();
    visit.send(get("/a", "Content-Length: 9\r\nX-Culvert-Action: 1\r\n", "POST") + "GET /b HTT");
    CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 400 ") && Contains("\r\nConnection: close\r\n"));
    CHECK(visit.over());
    CHECK(visit.paths.empty());
  }
}

TEST_CASE("a head that does not arrive in time") {
  Visit visit;
  visit.start();
  visit.send("GET / HTTP/1.1\r\nHost:");
  visit.pass(AdminConnection::kHeadTimeout - 1ms);
  CHECK(visit.closed == 0);
  visit.pass(1ms);
  CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 408 ") && Contains("\r\nConnection: close\r\n"));
  CHECK(visit.over());
}

TEST_CASE("a client that sends a byte now and then gets no more time for it") {
  Visit visit;
  visit.start();
  for (int i = 0; i < 9; ++i) {
    visit.send("G");
    visit.pass(1s);
  }
  CHECK(visit.closed == 0);
  visit.pass(1s);
  CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 408 "));
  CHECK(visit.over());
}

TEST_CASE("a client that asks for nothing is closed without a word") {
  Visit visit;
  visit.start();
  SECTION("from the beginning") { visit.pass(AdminConnection::kHeadTimeout); }
  SECTION("after a request, when it has waited for longer") {
    visit.send(get("/a"));
    visit.pass(AdminConnection::kIdleTimeout - 1ms);
    CHECK(visit.closed == 0);
    static_cast<void>(visit.got());
    visit.pass(1ms);
  }
  CHECK(visit.got().empty());
  CHECK(visit.over());
}

TEST_CASE("heads that are none, or too large") {
  const std::string large(17 * 1024, 'x');
  for (const std::string& bytes :
       {std::string("nonsense\r\n\r\n"), std::string("GET / HTTP/1.1\nHost: a\n\n"),
        std::string("GET / HTTP/1.1\r\nHost : a\r\n\r\n"), std::string("\x16\x03\x01\x02"),
        "GET / HTTP/1.1\r\nHost: a\r\nX: " + large + "\r\n\r\n", "GET /" + large,
        "GET /" + large.substr(0, 5'000) + " HTTP/1.1\r\nHost: a\r\n\r\n"}) {
    for (const Pace& pace : {Pace{}, Pace{false, 3}}) {
      CAPTURE(bytes.substr(0, 40), bytes.size(), to_string(pace));
      Visit visit(pace);
      visit.start();
      visit.peer.sends(bytes);
      REQUIRE(turn_until(visit.loop, [&] { return visit.closed == 1; }));
      CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 400 ") && Contains("\r\nConnection: close\r\n"));
      CHECK(visit.over());
      CHECK(visit.paths.empty());
    }
  }
}

TEST_CASE("clients that end") {
  Visit visit;
  visit.answers = false;
  visit.start();
  SECTION("before a request") {
    visit.peer.ends();
    settle(visit.loop);
    CHECK(visit.got().empty());
    CHECK(visit.over());
  }
  SECTION("within one") {
    visit.send("GET / HT");
    visit.peer.ends();
    settle(visit.loop);
    CHECK(visit.got().empty());
    CHECK(visit.over());
  }
  SECTION("behind one, and still get their answer") {
    visit.send(get("/a"));
    visit.peer.ends();
    settle(visit.loop);
    CHECK(visit.closed == 0);
    visit.connection->answer({.type = kTextType, .body = "late"});
    settle(visit.loop);
    CHECK_THAT(visit.got(), Contains("\r\nConnection: close\r\n") && EndsWith("late"));
    CHECK(visit.over());
  }
  SECTION("by a reset while they are to be answered") {
    visit.send(get("/a"));
    visit.peer.resets();
    settle(visit.loop);
    CHECK(visit.closed == 1);
    visit.connection->answer({.type = kTextType, .body = "late"});
    visit.connection->begin_stream(kEventType);
    visit.connection->finish();
    settle(visit.loop);
    CHECK(visit.got().empty());
    CHECK(visit.closed == 1);
  }
  SECTION("while a stream goes to them") {
    visit.send(get("/a"));
    visit.connection->begin_stream(kEventType);
    settle(visit.loop);
    CHECK(visit.closed == 0);
    visit.peer.ends();
    settle(visit.loop);
    CHECK(visit.over());
  }
  SECTION("while their answer is written") {
    visit.send(get("/a"));
    visit.peer.takes(5);
    visit.connection->answer({.type = kTextType, .body = "late"});
    visit.peer.ends();
    settle(visit.loop);
    CHECK(visit.closed == 0);
    visit.peer.takes_all();
    settle(visit.loop);
    CHECK_THAT(visit.got(), EndsWith("late"));
    CHECK(visit.over());
  }
}

TEST_CASE("a client that does not take its answer is given up when nothing moves") {
  Visit visit;
  visit.answers = false;
  visit.start();
  visit.send(get("/a"));
  visit.peer.takes(10);
  visit.connection->answer({.type = kTextType, .body = std::string(1'000, 'x')});
  for (int i = 0; i < 5; ++i) {
    visit.pass(AdminConnection::kWriteTimeout - 1ms);
    CHECK(visit.closed == 0);
    visit.peer.takes(10);
    settle(visit.loop);
  }
  visit.pass(AdminConnection::kWriteTimeout - 1ms);
  CHECK(visit.closed == 0);
  visit.pass(1ms);
  CHECK(visit.closed == 1);
  CHECK(visit.got().size() == 60);
}

TEST_CASE("a client that cannot be written to is given up") {
  Visit visit;
  visit.answers = false;
  visit.start();
  visit.send(get("/a"));
  visit.peer.refuses(EPIPE);
  visit.connection->answer({.type = kTextType, .body = "x"});
  settle(visit.loop);
  CHECK(visit.closed == 1);
}

TEST_CASE("a stream is what is sent, until it is finished") {
  for (const Pace& pace : kPaces) {
    CAPTURE(to_string(pace));
    Visit visit(pace);
    visit.answers = false;
    visit.start();
    visit.peer.sends(get("/events"));
    REQUIRE(turn_until(visit.loop, [&] { return !visit.paths.empty(); }));
    visit.connection->begin_stream(kEventType);
    CHECK(visit.connection->is_stream());
    visit.connection->send("data: 1\n\n");
    visit.connection->send("data: 2\n\n");
    REQUIRE(visit.await("data: 2\n\n"));
    CHECK_THAT(visit.got(), Contains("Content-Type: text/event-stream\r\nConnection: close\r\n\r\n"
                                     "data: 1\n\ndata: 2\n\n"));
    // It may be quiet for as long as it likes.
    visit.pass(1h);
    CHECK(visit.closed == 0);
    visit.connection->send("event: bye\n\n");
    visit.connection->finish();
    visit.connection->send("never");
    REQUIRE(turn_until(visit.loop, [&] { return visit.closed == 1; }));
    CHECK(visit.got() == "event: bye\n\n");
    settle(visit.loop);
    CHECK(visit.closed == 1);
  }
}

TEST_CASE("a reader that is slow loses its stream when too much waits for it") {
  Visit visit;
  visit.answers = false;
  visit.start();
  visit.send(get("/events"));
  visit.connection->begin_stream(kEventType);
  settle(visit.loop);
  visit.peer.takes(0);
  const std::string event(64 * 1024, 'x');
  for (std::size_t sent = 0; sent < AdminConnection::kMostWaiting; sent += event.size()) {
    visit.connection->send(event);
    CHECK(visit.closed == 0);
  }
  visit.connection->send("x");
  CHECK(visit.closed == 1);
  visit.connection->send("x");
  CHECK(visit.closed == 1);
}

TEST_CASE("a reader that takes nothing loses its stream in time") {
  Visit visit;
  visit.answers = false;
  visit.start();
  visit.send(get("/events"));
  visit.connection->begin_stream(kEventType);
  visit.peer.takes(0);
  visit.connection->send("data: 1\n\n");
  visit.pass(AdminConnection::kWriteTimeout - 1s);
  CHECK(visit.closed == 0);
  visit.connection->send("data: 2\n\n");  // that is nothing which the reader does
  visit.pass(1s);
  CHECK(visit.closed == 1);
}

TEST_CASE("a HEAD of a stream gets the head alone") {
  Visit visit;
  visit.answers = false;
  visit.start();
  visit.send(get("/events", {}, "HEAD"));
  visit.connection->begin_stream(kEventType);
  visit.connection->send("data: 1\n\n");
  settle(visit.loop);
  CHECK_THAT(visit.got(), Contains("text/event-stream") && EndsWith("\r\n\r\n"));
  CHECK(visit.over());
}

TEST_CASE("a stream's client may send what it likes, no more of which is read than of a head") {
  Visit visit;
  visit.answers = false;
  visit.start();
  visit.send(get("/events"));
  visit.connection->begin_stream(kEventType);
  visit.send(std::string(100'000, 'x'));
  CHECK(visit.peer.unread() > 70'000);
  CHECK(visit.closed == 0);
  visit.connection->send("data: 1\n\n");
  CHECK_THAT(visit.got(), EndsWith("data: 1\n\n"));
}

TEST_CASE("an end in good order") {
  Visit visit;
  visit.answers = false;
  visit.start();
  SECTION("at once where another request might come") {
    visit.send(get("/a"));
    visit.connection->answer({.type = kTextType, .body = "first"});
    settle(visit.loop);
    CHECK(visit.connection->is_idle());
    visit.connection->finish();
    CHECK(visit.over());
  }
  SECTION("behind the answer to the first one, which is awaited") {
    visit.send("GET / HT");
    CHECK(visit.connection->is_idle());
    visit.connection->finish();
    CHECK(visit.closed == 0);
    visit.send("TP/1.1\r\nHost: localhost\r\n\r\n");
    visit.connection->answer({.type = kTextType, .body = "last"});
    settle(visit.loop);
    CHECK_THAT(visit.got(), Contains("\r\nConnection: close\r\n") && EndsWith("last"));
    CHECK(visit.over());
  }
  SECTION("behind the answer to one that is") {
    visit.send(get("/a") + get("/b"));
    CHECK_FALSE(visit.connection->is_idle());
    visit.connection->finish();
    CHECK(visit.closed == 0);
    visit.connection->answer({.type = kTextType, .body = "last"});
    settle(visit.loop);
    CHECK_THAT(visit.got(), Contains("\r\nConnection: close\r\n") && EndsWith("last"));
    CHECK(visit.over());
    CHECK(visit.paths.size() == 1);
  }
}

TEST_CASE("clients that may not use the interface") {
  Visit visit;
  SECTION("by their address") {
    visit.client = HostPort::parse("192.0.2.1:5000").value();
    visit.start();
    visit.send(get("/metrics"));
    CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 403 ") && Contains("\r\nConnection: close\r\n"));
    CHECK(visit.over());
    CHECK(visit.paths.empty());
  }
  SECTION("and not by --open-proxy either") {
    visit.config.open_proxy = true;
    visit.client = HostPort::parse("192.0.2.1:5000").value();
    visit.start();
    visit.send(get("/a"));
    CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 403 "));
  }
  SECTION("but those of --allow-client may") {
    visit.config.allow_clients = {*Cidr::parse("192.0.2.0/24")};
    visit.client = HostPort::parse("192.0.2.1:5000").value();
    visit.start();
    visit.send(get("/a"));
    CHECK(visit.paths.size() == 1);
  }
  SECTION("and whoever opens a unix socket may") {
    visit.door.kind = ListenConfig::Kind::unix_socket;
    visit.client.reset();
    visit.start();
    visit.send("GET /a HTTP/1.1\r\nHost: any.name.example\r\n\r\n");
    CHECK(visit.paths.size() == 1);
  }
}

TEST_CASE("a page elsewhere does not get here by a name of its own") {
  Visit visit;
  visit.start();
  visit.send("GET /a HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 421 "));
  CHECK(visit.over());
}

TEST_CASE("where there are metrics alone") {
  Visit visit;
  visit.door.metrics_only = true;
  SECTION("to who may see them") {
    visit.start();
    visit.send(get("/metrics") + get("/healthz") + get("/readyz") + get("/metrics?a=b"));
    CHECK(visit.paths == std::vector<std::string>{"/metrics", "/healthz", "/readyz", "/metrics"});
    static_cast<void>(visit.got());
    for (const char* const path :
         {"/", "/metrics/", "/proxy.pac", "/api/v1/status", "/api/v1/events", "/nothing"}) {
      visit.send(get(path));
      CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 404 "));
    }
    visit.send(get("/api/v1/tunnels/1/end", "X-Culvert-Action: 1\r\n", "POST"));
    CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 404 "));
    CHECK(visit.paths.size() == 4);
  }
  SECTION("and no others") {
    visit.client = HostPort::parse("192.0.2.1:5000").value();
    visit.start();
    visit.send(get("/metrics"));
    CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 403 "));
  }
  SECTION("nor without a password") {
    visit.add_users();
    visit.start();
    visit.send(get("/metrics"));
    CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 401 "));
  }
}

TEST_CASE("who may act") {
  const auto may_act = [](auto change) {
    Visit visit;
    change(visit);
    visit.start();
    return visit.connection->may_act();
  };
  CHECK_FALSE(may_act([](Visit&) {}));
  CHECK_FALSE(may_act([](Visit& visit) { visit.config.open_proxy = true; }));
  CHECK(may_act([](Visit& visit) { visit.is_runtime = true; }));
  CHECK(may_act([](Visit& visit) { visit.door.kind = ListenConfig::Kind::unix_socket; }));
  CHECK(may_act([](Visit& visit) { visit.config.admin_actions = true; }));
  CHECK(may_act([](Visit& visit) { visit.config.allow_clients = {*Cidr::parse("10.0.0.0/8")}; }));
  CHECK(may_act([](Visit& visit) { visit.add_users(); }));
  CHECK(may_act([](Visit& visit) {
    visit.door.speaks = ListenConfig::Speaks::tls_only;
    visit.door.client_ca = "/ca.pem";
  }));
}

TEST_CASE("with a password file clients sign in") {
  Visit visit;
  visit.add_users();
  visit.start();
  SECTION("with the right password, also from another host and by any name") {
    visit.peer.sends(signed_in("/a", "alice:s3cret"));
    REQUIRE(visit.await("\r\n\r\n/a"));
    CHECK(visit.anonymous == std::vector<bool>{false});
    visit.peer.sends(signed_in("/b", "alice:s3cret"));
    REQUIRE(visit.await("\r\n\r\n/b"));
    CHECK(bodies(visit.got()) == std::vector<std::string>{"/a", "/b"});
  }
  SECTION("with a wrong one they are refused, and may try again") {
    visit.peer.sends(signed_in("/api/v1/status", "alice:hush"));
    REQUIRE(visit.await("HTTP/1.1 401 "));
    settle(visit.loop);
    const std::string answer = visit.got();
    CHECK_THAT(answer, Contains("\r\nWWW-Authenticate: Basic realm=\"culvert\"") &&
                           Contains("application/json") && !Contains("Connection:") &&
                           !Contains("hush"));
    visit.peer.sends(signed_in("/b", "alice:s3cret"));
    REQUIRE(visit.await("\r\n\r\n/b"));
    CHECK(visit.paths == std::vector<std::string>{"/b"});
  }
  SECTION("without one they are asked for it") {
    visit.send(get("/a"));
    CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 401 Unauthorized\r\n") &&
                                Contains("\r\nWWW-Authenticate: Basic "));
    CHECK(visit.closed == 0);
    // That of the proxy is another.
    visit.send(get("/a", "Proxy-Authorization: Basic " + base64_encode("alice:s3cret") + "\r\n"));
    CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 401 "));
    CHECK(visit.paths.empty());
    visit.pass(AdminConnection::kHeadTimeout - 1ms);
    CHECK(visit.closed == 0);
  }
  SECTION("what is no Basic is a mistake") {
    visit.send(get("/a", "Authorization: Basic ???\r\n"));
    CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 400 "));
    CHECK(visit.paths.empty());
  }
  CHECK_THAT(visit.peer.received(), !Contains("s3cret"));
}

TEST_CASE("with a password file addresses need not be in a list") {
  Visit visit;
  visit.add_users();
  visit.client = HostPort::parse("192.0.2.1:5000").value();
  SECTION("where there is none") {
    visit.start();
    visit.peer.sends("GET /a HTTP/1.1\r\nHost: proxy.example\r\nAuthorization: Basic " +
                     base64_encode("alice:s3cret") + "\r\n\r\n");
    REQUIRE(visit.await("\r\n\r\n/a"));
  }
  SECTION("but must, where there is one") {
    visit.config.allow_clients = {*Cidr::parse("10.0.0.0/8")};
    visit.start();
    visit.send(signed_in("/a", "alice:s3cret"));
    CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 403 "));
  }
}

TEST_CASE("probes need no password, and are told less without one") {
  Visit visit;
  visit.add_users();
  visit.start();
  visit.send(get("/healthz") + get("/readyz"));
  CHECK(visit.paths == std::vector<std::string>{"/healthz", "/readyz"});
  CHECK(visit.anonymous == std::vector<bool>{true, true});
  visit.peer.sends(signed_in("/healthz", "alice:s3cret"));
  REQUIRE(turn_until(visit.loop, [&] { return visit.paths.size() == 3; }));
  CHECK_FALSE(visit.anonymous[2]);
  settle(visit.loop);
  static_cast<void>(visit.got());
  visit.peer.sends(signed_in("/readyz", "alice:hush"));
  REQUIRE(turn_until(visit.loop, [&] { return visit.peer.received().ends_with("user\n"); }));
  CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 401 "));
  CHECK(visit.paths.size() == 3);
}

TEST_CASE("probes may come from anywhere, and nothing else does with them") {
  for (const bool has_list : {false, true}) {
    for (const bool has_users : {false, true}) {
      if (has_users && !has_list) continue;  // addresses do not matter then
      for (const std::string& more :
           {get("/"), get("/metrics"), get("/healthz/"), get("//healthz"), get("/api/v1/status"),
            signed_in("/metrics", "alice:s3cret")}) {
        CAPTURE(has_list, has_users, more);
        Visit visit;
        if (has_list) visit.config.allow_clients = {*Cidr::parse("10.0.0.0/8")};
        if (has_users) visit.add_users();
        visit.client = HostPort::parse("192.0.2.1:5000").value();
        visit.start();
        visit.send(get("/healthz") + signed_in("/readyz", "alice:s3cret"));
        CHECK(visit.paths == std::vector<std::string>{"/healthz", "/readyz"});
        CHECK(visit.anonymous == std::vector<bool>{true, true});
        static_cast<void>(visit.got());
        visit.send(more);
        CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 403 "));
        CHECK(visit.over());
        CHECK(visit.paths.size() == 2);
      }
    }
  }
}

TEST_CASE("a page elsewhere does not get to the health either") {
  Visit visit;
  visit.client = HostPort::parse("192.0.2.1:5000").value();
  visit.start();
  visit.send("GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 421 "));
  CHECK(visit.paths.empty());
}

TEST_CASE("a unix socket asks for no password") {
  Visit visit;
  visit.add_users();
  visit.is_runtime = true;
  visit.client.reset();
  visit.start();
  visit.send(get("/a"));
  CHECK(visit.paths.size() == 1);
  CHECK(visit.anonymous == std::vector<bool>{false});
}

TEST_CASE("a password that is not checked in time") {
  Visit visit;
  visit.add_users();
  held = true;
  visit.start();
  visit.send(signed_in("/a", "alice:s3cret") + get("/healthz"));
  CHECK_FALSE(visit.connection->is_idle());
  visit.pass(AdminConnection::kHeadTimeout - 1ms);
  CHECK(visit.got().empty());
  visit.pass(1ms);
  CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 429 ") && Contains("HTTP/1.1 200 "));
  CHECK(visit.paths == std::vector<std::string>{"/healthz"});
  held = false;
}

TEST_CASE("a client that is gone while its password is checked") {
  Visit visit;
  visit.add_users();
  held = true;
  visit.start();
  visit.send(signed_in("/a", "alice:s3cret"));
  visit.peer.resets();
  settle(visit.loop);
  CHECK(visit.closed == 1);
  held = false;
  while (checking > 0) std::this_thread::sleep_for(1ms);
  settle(visit.loop);
  CHECK(visit.paths.empty());
}

TEST_CASE("who has been wrong often has to wait, and no more wait than a few") {
  Visit visit;
  visit.add_users();
  visit.start();
  std::string attempts;
  for (unsigned i = 0; i < SignInPace::kFreeFailures; ++i) {
    visit.peer.sends(signed_in("/a", "alice:hush" + std::to_string(i)));
    REQUIRE(turn_until(visit.loop, [&] { return bodies(visit.peer.received()).size() == i + 1; }));
  }
  // Others of the same client fill what may wait.
  held = true;
  std::vector<std::unique_ptr<PasswordCheck>> others;
  std::optional<PasswordVerdict> busy;
  struct Nobody {
    void on_verdict(PasswordVerdict) {}
  } nobody;
  for (std::size_t i = 0; i <= SignInPace::kMostWaitingDelayed && !busy; ++i) {
    others.push_back(std::make_unique<PasswordCheck>(
        *visit.ruleset->password_checks, visit.loop,
        Callback<void(PasswordVerdict)>::to<&Nobody::on_verdict>(&nobody)));
    busy = others.back()->ask(*visit.config.users, {.address = visit.client->ip},
                              {"alice", Secret("guess" + std::to_string(i))});
  }
  REQUIRE(busy == PasswordVerdict::busy);
  static_cast<void>(visit.got());
  visit.send(signed_in("/a", "alice:another"));
  CHECK_THAT(visit.got(), StartsWith("HTTP/1.1 429 Too Many Requests\r\n"));
  CHECK(visit.closed == 0);
  held = false;
  others.clear();
  CHECK(visit.paths.empty());
}
