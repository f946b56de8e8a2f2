// The admin interface beside a running server, as its clients see it.
#include "admin/admin_server.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "support/catch.h"
#include "support/running_server.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

struct BesideAdmin final : RunningServer::Beside {
  BesideAdmin(Server& server, std::unique_ptr<RuntimeSocket> socket)
      : admin(server, std::move(socket)) {}
  void begin() override { admin.begin(); }
  void end() override { admin.end(); }
  AdminServer admin;
};

void limit_waiting(const Fd& fd) {
  const timeval time{30, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
}

/// What arrives until `part` has, or the end.
std::string receive_until(const Fd& fd, std::string_view part) {
  limit_waiting(fd);
  std::string all;
  std::array<char, 4096> buffer;
  while (all.find(part) == std::string::npos) {
    const ssize_t size = recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (size <= 0) break;
    all.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return all;
}

/// What arrives until the end.
std::string receive_all(const Fd& fd) { return receive_until(fd, std::string(1, '\0') + "never"); }

struct Reply {
  int status = 0;
  std::string head;
  std::string body;
  Json json() const {
    const auto read = Json::parse(body);
    REQUIRE(read);
    return *read;
  }
};

Reply reply_of(const std::string& bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  CAPTURE(bytes);
  REQUIRE(end != std::string::npos);
  REQUIRE(bytes.starts_with("HTTP/1.1 "));
  return {std::stoi(bytes.substr(9, 3)), bytes.substr(0, end + 2), bytes.substr(end + 4)};
}

Reply ask(Fd client, std::string_view path, std::string_view method = "GET",
          std::string_view fields = {}) {
  send_all(client,
           concat({method, " ", path, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
                   fields, "\r\n"}));
  return reply_of(receive_all(client));
}

Fd connect_to_path(const std::string& path) {
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.data(), path.size());
  REQUIRE(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

/// A server with an admin interface, and a target for its clients.
struct Site {
  explicit Site(std::vector<std::string> more = {}, bool has_admin = true)
      : arguments(std::move(more)) {
    arguments.insert(arguments.end(), {"--listen", "127.0.0.1:0", "--threads", "2", "--upstream",
                                       "there=direct", "--hold", "0"});
    if (has_admin) arguments.insert(arguments.end(), {"--admin", "127.0.0.1:0"});
    running = std::make_unique<RunningServer>(arguments, [this](Server& server) {
      auto made = RuntimeSocket::make(runtime);
      if (made) {
        socket_path = (*made)->path();
        return std::make_unique<BesideAdmin>(server, std::move(*made));
      }
      return std::make_unique<BesideAdmin>(server, nullptr);
    });
  }
  Reply get(std::string_view path, std::string_view fields = {}) const {
    return ask(admin(), path, "GET", fields);
  }
  Reply post(std::string_view path) const {
    return ask(admin(), path, "POST", "X-Culvert-Action: 1\r\n");
  }
  Fd admin() const { return connect_to_loopback(running->admin_port()); }
  /// A client with a tunnel.
  Fd tunnel() const {
    Fd client = connect_to_loopback(running->port());
    const std::string authority = "127.0.0.1:" + std::to_string(target_port);
    send_all(client, "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n\r\n");
    CHECK_THAT(receive_until(client, "\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
    return client;
  }

  TempDir dir;
  std::string runtime = dir.path("runtime");
  std::string socket_path;
  std::uint16_t target_port = 0;
  Fd target = listen_on_loopback(target_port, 128);
  std::vector<std::string> arguments;
  std::unique_ptr<RunningServer> running;
};

}  // namespace

TEST_CASE("what is at each path of the admin interface") {
  const Site site;
  struct Case {
    std::string path;
    std::string type;
    std::string part;
  };
  for (const auto& [path, type, part] : std::vector<Case>{
           {"/", "text/html; charset=utf-8", "<!doctype html>"},
           {"/healthz", "text/plain; charset=utf-8", "ok\n"},
           {"/readyz", "text/plain; charset=utf-8", "ok\n"},
           {"/metrics", "text/plain; version=0.0.4", "culvert_build_info{"},
           {"/proxy.pac", "application/x-ns-proxy-autoconfig", "function FindProxyForURL"},
           {"/api/v1/status", "application/json", "\"version\""},
           {"/api/v1/tunnels", "application/json", "\"tunnels\""},
           {"/api/v1/upstreams", "application/json", "\"there\""},
           {"/api/v1/failures", "application/json", "\"failures\""}}) {
    CAPTURE(path);
    const Reply reply = site.get(path);
    CHECK(reply.status == 200);
    CHECK_THAT(reply.head, Contains("\r\nContent-Type: " + type) &&
                               Contains("\r\nCache-Control: no-store\r\n"));
    CHECK_THAT(reply.body, Contains(part));
    CHECK_THAT(reply.head, Contains("\r\nContent-Length: " + std::to_string(reply.body.size())));
    const Reply head = ask(site.admin(), path, "HEAD");
    CHECK(head.status == 200);
    CHECK(head.body.empty());
    const Reply posted = site.post(path);
    CHECK(posted.status == 405);
    CHECK_THAT(posted.head, Contains("\r\nAllow: GET, HEAD\r\n"));
  }
  CHECK(site.get("/nothing").status == 404);
  CHECK(site.get("/api/nothing").json().has("error"));
  CHECK(site.get("/api/v1/tunnels?sort=size").status == 400);
  CHECK_THAT(site.get("/metrics", "Accept: application/openmetrics-text\r\n").head,
             Contains("\r\nContent-Type: application/openmetrics-text"));
  CHECK_THAT(site.get("/proxy.pac").body, EndsWith("  return \"DIRECT\";\n}\n"));
}

TEST_CASE("the status is that of the whole server") {
  const Site site;
  const Fd one = site.tunnel();
  const Fd other = site.tunnel();
  const Json status = site.get("/api/v1/status").json();
  CHECK(status.at("workers").integer() == 2);
  CHECK(status.at("connections").integer() == 2);
  CHECK(status.at("tunnels").integer() == 2);
  CHECK(status.at("state").text() == "serving");
  CHECK(status.at("ready").dump() == "true");
  CHECK(status.at("healthy").dump() == "true");
  CHECK(status.at("actions_allowed").dump() == "false");
  REQUIRE(status.at("listeners").elements().size() == 1);
  const Json tunnels = site.get("/api/v1/tunnels?sort=id").json();
  CHECK(tunnels.at("total").integer() == 2);
  CHECK(tunnels.at("tunnels").elements()[0].at("upstream").text() == "there");
  const Json upstream = site.get("/api/v1/upstreams").json().at("upstreams").elements()[0];
  CHECK(upstream.at("tunnels").integer() == 2);
  CHECK(upstream.at("attempts").at("connected").integer() == 2);
}

TEST_CASE("a tunnel is ended where actions are allowed") {
  const Site site({"--admin-actions"});
  const Fd client = site.tunnel();
  const Fd other = site.tunnel();
  const Json rows = site.get("/api/v1/tunnels?sort=id").json().at("tunnels");
  REQUIRE(rows.elements().size() == 2);
  const auto id = *rows.elements()[0].at("id").integer();
  const std::string path = "/api/v1/tunnels/" + std::to_string(id) + "/end";
  const Reply got = site.get(path);
  CHECK(got.status == 405);
  CHECK_THAT(got.head, Contains("\r\nAllow: POST\r\n"));
  CHECK(ask(site.admin(), path, "POST").status == 403);  // without its field
  const Reply ended = site.post(path);
  CHECK(ended.status == 204);
  CHECK(ended.body.empty());
  const Reply again = site.post(path);
  CHECK(again.status == 404);
  CHECK(again.json().has("error"));
  const Json left = site.get("/api/v1/tunnels").json();
  CHECK(left.at("total").integer() == 1);
  CHECK(left.at("tunnels").elements()[0].at("id").integer() != id);
  for (const char* wrong : {"0", "99", "-1", "x", "18446744073709551615", "18446744073709551616"}) {
    CAPTURE(wrong);
    CHECK(site.post(concat({"/api/v1/tunnels/", wrong, "/end"})).status == 404);
  }
  CHECK(site.post("/api/v1/upstreams/nobody/down").status == 404);
}

TEST_CASE("where actions are not allowed, nothing is done") {
  const Site site;
  const Fd client = site.tunnel();
  const Reply reply = site.post("/api/v1/tunnels/1/end");
  CHECK(reply.status == 403);
  CHECK_THAT(reply.json().at("error").text().value_or(""), Contains("--admin-actions"));
  CHECK(site.post("/api/v1/upstreams/there/down").status == 403);
  CHECK(site.get("/api/v1/tunnels").json().at("total").integer() == 1);
  // The same user may at the runtime socket.
  REQUIRE_FALSE(site.socket_path.empty());
  CHECK(ask(connect_to_path(site.socket_path), "/api/v1/status")
            .json()
            .at("actions_allowed")
            .dump() == "true");
}

TEST_CASE("without --admin there is the runtime socket, from when it is first asked on") {
  Site site({}, false);
  REQUIRE_FALSE(site.socket_path.empty());
  const Fd client = site.tunnel();
  for (int i = 0; i < 3; ++i) {
    const Reply reply = ask(connect_to_path(site.socket_path), "/api/v1/status");
    CHECK(reply.status == 200);
    CHECK(reply.json().at("tunnels").integer() == 1);
  }
  const std::string path = site.socket_path;
  CHECK(access(path.c_str(), F_OK) == 0);
  site.running.reset();
  CHECK(access(path.c_str(), F_OK) != 0);
}

TEST_CASE("a server that nobody asks ends as well") {
  for (const bool has_admin : {false, true}) {
    Site site({}, has_admin);
    site.running.reset();
    CHECK(access(site.socket_path.c_str(), F_OK) != 0);
  }
}

TEST_CASE("events come until the server ends") {
  Site site;
  const Fd client = site.admin();
  send_all(client, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  std::string got = receive_until(client, "event: upstreams\ndata: {");
  CHECK_THAT(got, Contains("\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
                           "retry: 1000\n\nid: "));
  CHECK_THAT(got, Contains("\nevent: status\ndata: {\"version\": ") && !Contains("\"history\""));
  got += receive_until(client, "event: status\n");  // the next one
  site.running.reset();
  got += receive_all(client);
  const std::size_t bye = got.find("\nevent: bye\ndata: {}\n\n");
  REQUIRE(bye != std::string::npos);
  CHECK(bye + std::strlen("\nevent: bye\ndata: {}\n\n") == got.size());
  // What has not changed is not told again.
  const std::size_t first = got.find("event: upstreams\n");
  CHECK(got.find("event: upstreams\n", first + 1) == std::string::npos);
}

TEST_CASE("a trace shows the next sessions to a target, and ends after them") {
  const Site site({"--admin-actions"});
  const Fd client = site.admin();
  send_all(client,
           "GET /api/v1/trace?target=127.0.0.1&sessions=2 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  std::string got = receive_until(client, "event: begin\ndata: {}\n\n");
  CHECK_THAT(got, Contains("\r\nContent-Type: text/event-stream\r\n"));
  Fd first = site.tunnel();
  send_reset(first);
  got += receive_until(client, "\"last\": true");
  CHECK_THAT(got, !Contains("event: end"));
  Fd second = site.tunnel();
  send_reset(second);
  const Fd third = site.tunnel();
  got += receive_all(client);
  CHECK_THAT(got, Contains("event: step\ndata: {\"session\": ") &&
                      Contains("\"step\": \"request of 127.0.0.1:") &&
                      Contains("the tunnel stands, and its client knows") &&
                      EndsWith("event: end\ndata: {}\n\n"));
  std::size_t last = 0;
  for (auto at = got.find("\"last\": true"); at != std::string::npos;
       at = got.find("\"last\": true", at + 1)) {
    ++last;
  }
  CHECK(last == 2);
}

TEST_CASE("a trace of a session that runs") {
  Site site({"--admin-actions"});
  Fd tunnel = site.tunnel();
  const Json rows = site.get("/api/v1/tunnels").json().at("tunnels");
  const auto id = *rows.elements()[0].at("id").integer();
  const Fd client = site.admin();
  send_all(client, concat({"GET /api/v1/trace?id=", std::to_string(id),
                           " HTTP/1.1\r\nHost: localhost\r\n\r\n"}));
  CHECK_THAT(receive_until(client, "now "), Contains("\"step\": \"CONNECT 127.0.0.1:"));
  send_reset(tunnel);
  CHECK_THAT(receive_all(client), EndsWith("event: end\ndata: {}\n\n"));
  CHECK(site.get("/api/v1/trace?id=" + std::to_string(id)).status == 404);
  CHECK(site.get("/api/v1/trace?id=0").status == 404);
  CHECK(site.get("/api/v1/trace").status == 400);
  CHECK(ask(site.admin(), "/api/v1/trace?target=*", "HEAD").status == 200);
}

TEST_CASE("a trace whose reader has left, or whose server ends") {
  Site site({"--admin-actions"});
  {
    const Fd client = site.admin();
    send_all(client, "GET /api/v1/trace?target=* HTTP/1.1\r\nHost: localhost\r\n\r\n");
    receive_until(client, "event: begin\ndata: {}\n\n");
  }
  const Fd tunnel = site.tunnel();
  const Fd client = site.admin();
  send_all(client, "GET /api/v1/trace?target=* HTTP/1.1\r\nHost: localhost\r\n\r\n");
  receive_until(client, "event: begin\ndata: {}\n\n");
  const Fd other = site.tunnel();
  site.running.reset();
  CHECK_THAT(receive_all(client), Contains("the tunnel stands") && Contains("event: bye\n"));
}

TEST_CASE("where actions are not allowed, nothing is traced") {
  const Site site;
  const Reply reply = site.get("/api/v1/trace?target=*");
  CHECK(reply.status == 403);
  CHECK_THAT(reply.json().at("error").text().value_or(""), Contains("--admin-actions"));
}

TEST_CASE("there are places for so many who listen to events") {
  const Site site;
  std::vector<Fd> listening;
  for (std::size_t i = 0; i < AdminDesk::kMostStreams; ++i) {
    listening.push_back(site.admin());
    send_all(listening.back(), "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK_THAT(receive_until(listening.back(), "retry:"), Contains("\r\n\r\nretry: 1000\n"));
  }
  const Reply reply = site.get("/api/v1/events");
  CHECK(reply.status == 503);
  CHECK(reply.json().has("error"));
  CHECK(site.get("/healthz").status == 200);
}

TEST_CASE("who waits for longest gives way where connections are many") {
  const Site site;
  const auto begin = [&] {
    Fd client = site.admin();
    send_all(client, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK_THAT(receive_until(client, "ok\n"), EndsWith("ok\n"));
    return client;
  };
  const Fd first = begin();
  const Fd second = begin();
  std::vector<Fd> others;
  for (std::size_t i = 2; i < AdminDesk::kMostConnections; ++i) others.push_back(begin());
  const Fd one_more = begin();
  CHECK(receive_all(first).empty());
  send_all(second, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK_THAT(receive_until(second, "ok\n"), EndsWith("ok\n"));
}

TEST_CASE("whoever looks on still can while the server drains") {
  Site site({"--drain-timeout", "1h"});
  const Fd client = site.tunnel();
  CHECK(site.get("/readyz").status == 200);
  site.running->in_its_thread([](Server& server) { server.end(); });
  const Reply ready = site.get("/readyz");
  CHECK(ready.status == 503);
  CHECK_THAT(ready.body, Contains("draining"));
  CHECK(site.get("/healthz").status == 200);
  const Json status = site.get("/api/v1/status").json();
  CHECK(status.at("state").text() == "draining");
  CHECK(status.at("ready").dump() == "false");
  CHECK(status.at("tunnels").integer() == 1);
}

TEST_CASE("a reload counts for new connections, and ends the others") {
  Site site;
  const Fd kept = site.admin();
  const std::string request = "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n";
  send_all(kept, request);
  CHECK_THAT(receive_until(kept, "}\n"), Contains("\"actions_allowed\": false"));
  site.arguments.emplace_back("--admin-actions");
  site.running->in_its_thread([&](Server& server) {
    site.running->set_arguments(site.arguments);
    server.reload();
  });
  // Its thread hears of it a moment later.
  const auto allowed = [](const Reply& reply) {
    return reply.json().at("actions_allowed").dump() == "true";
  };
  for (int i = 0; i < 1'000 && !allowed(site.get("/api/v1/status")); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(allowed(site.get("/api/v1/status")));
  // Whoever was there has to connect anew.
  char byte = 0;
  CHECK(recv(kept.get(), &byte, 1, 0) == 0);
}

TEST_CASE("a worker that does not turn is told by its number") {
  Site site;
  std::atomic<bool> blocked = true;
  std::atomic<bool> left = false;
  site.running->server().workers()[1]->loop().post([&] {
    blocked.wait(true);
    left = true;
    left.notify_all();
  });
  const Reply ill = site.get("/healthz");
  CHECK(ill.status == 503);
  CHECK_THAT(ill.body, StartsWith("the loop of worker 1 has not turned for "));
  CHECK(site.get("/readyz").status == 200);
  blocked = false;
  blocked.notify_all();
  left.wait(false);
  CHECK(site.get("/healthz").status == 200);
}

TEST_CASE("an upstream that is marked down is used no more, until it is marked up again") {
  const Site site({"--admin-actions"});
  const auto state = [&] {
    return site.get("/api/v1/upstreams").json().at("upstreams").elements()[0].at("state").text();
  };
  CHECK(site.post("/api/v1/upstreams/th%65re/down").status == 204);
  CHECK(state().value_or("") == "marked_down");
  const Reply ready = site.get("/readyz");
  CHECK(ready.status == 503);
  CHECK_THAT(ready.body, StartsWith("the upstream of the default route is down: "));
  CHECK(site.get("/healthz").status == 200);
  CHECK(site.post("/api/v1/upstreams/there/up").status == 204);
  CHECK(state() == "unknown");
  CHECK(site.get("/readyz").status == 200);
  const Fd client = site.tunnel();
  CHECK(state() == "up");
}

TEST_CASE("requests that failed are kept, and told as they happen") {
  const Site site;
  const Fd listener = site.admin();
  send_all(listener, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  receive_until(listener, "event: status");
  const std::string target = "127.0.0.1:" + std::to_string(closed_port());
  const std::string request = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n\r\n";
  for (int i = 0; i < 2; ++i) {
    const Fd client = connect_to_loopback(site.running->port());
    send_all(client, request);
    send_fin(client);
    CHECK_THAT(receive_all(client), StartsWith("HTTP/1.1 502 "));
  }
  const auto failures = [&](std::string_view query) {
    return site.get(concat({"/api/v1/failures", query})).json().at("failures").elements();
  };
  for (int i = 0; i < 1'000 && failures("").size() < 2; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const auto rows = failures("");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].at("target").text() == target);
  CHECK(rows[0].at("status").integer() == 502);
  CHECK(rows[0].at("outcome").text() == "connection_refused");
  CHECK(failures("?limit=1").size() == 1);
  for (const char* limit : {"0", "101", "x", "%zz"}) {
    CHECK(site.get(concat({"/api/v1/failures?limit=", limit})).status == 400);
  }
  CHECK_THAT(receive_until(listener, "event: failure\ndata: {"),
             Contains("event: failure\ndata: {"));
}
