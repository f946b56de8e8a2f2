#include "check/way_steps.h"

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "check/check.h"
#include "check/port_look.h"
#include "check/surroundings.h"
#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::string_literals;

namespace {

const std::string kGreeting = "\x05\x00"s;
const std::string kGranted = "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"s;
const std::string kRefused = "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"s;
// "hang": no answer, and the connection stays open.
const std::string kHang = "hang";

/// What is answered to the n-th message of a connection; empty: the connection is closed.
using Answers = std::function<std::string(const std::string& message, std::size_t n)>;

/// A server in a thread of its own.
class ThreadServer {
 public:
  explicit ThreadServer(Answers answers)
      : answers_(std::move(answers)), listening_(listen_on_loopback(port_)) {
    thread_ = std::thread([this] { run(); });
  }
  ~ThreadServer() {
    shutdown(listening_.get(), SHUT_RDWR);
    thread_.join();
  }
  ThreadServer(const ThreadServer&) = delete;
  ThreadServer& operator=(const ThreadServer&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  void run() {
    while (true) {
      Fd connection(accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (connection.get() < 0) return;
      if (serve(connection)) kept_.push_back(std::move(connection));
    }
  }

  /// Whether the connection is to stay open.
  bool serve(const Fd& connection) const {
    char buffer[2048];
    for (std::size_t n = 0;; ++n) {
      const ssize_t got = recv(connection.get(), buffer, sizeof buffer, 0);
      if (got <= 0) return false;
      const std::string answer = answers_({buffer, static_cast<std::size_t>(got)}, n);
      if (answer == kHang) return true;
      if (answer.empty()) return false;
      send(connection.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }

  Answers answers_;
  std::uint16_t port_ = 0;
  Fd listening_;
  std::vector<Fd> kept_;
  std::thread thread_;
};

/// One answer after the other, and then an end.
Answers script(std::vector<std::string> answers) {
  return [answers](const std::string&, std::size_t n) {
    return n < answers.size() ? answers[n] : std::string();
  };
}

UpstreamConfig upstream_at(UpstreamConfig::Kind kind, std::uint16_t port) {
  UpstreamConfig upstream;
  upstream.kind = kind;
  upstream.address = HostPort::from("127.0.0.1", port).value();
  upstream.label = "proxy://" + upstream.address.to_string();
  upstream.name = upstream.label;
  return upstream;
}

Config config_of(std::vector<UpstreamConfig> upstreams) {
  Config config;
  config.upstreams = std::move(upstreams);
  config.upstream_given = true;
  return config;
}

std::unique_ptr<Walk> walk_with(Config config,
                                std::chrono::milliseconds timeout = std::chrono::seconds(60)) {
  std::vector<std::string> problems;
  auto ruleset = make_ruleset(std::move(config), problems);
  REQUIRE(problems.empty());
  return std::make_unique<Walk>(std::move(ruleset), timeout);
}

const WayTarget kTarget{HostPort::parse("gcr.io:443").value(), true, false};

TargetReport walked(Walk& walk, const WayTarget& target = kTarget) {
  WaySteps way(walk);
  TargetReport report;
  way.walk_to(target, report);
  return report;
}

TargetReport walked(std::vector<UpstreamConfig> upstreams) {
  const auto walk = walk_with(config_of(std::move(upstreams)));
  return walked(*walk);
}

/// "upstream ok, request FAILED"
std::string outline(const TargetReport& report) {
  std::string text;
  for (const CheckStep& step : report.steps) {
    if (!text.empty()) text += ", ";
    text += step.name + (step.ok ? " ok" : " FAILED");
  }
  return text;
}

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

using Kind = UpstreamConfig::Kind;

const std::string kRunning = "http://127.0.0.1:3128";

}  // namespace

TEST_CASE("a way that works has a step for its upstream and one for the request") {
  const ThreadServer server(script({kGreeting, kGranted, "\x16\x03\x03\x00\x02"s}));
  // The upstream's own step greets on a connection of its own.
  const auto report = walked({upstream_at(Kind::socks5, server.port())});
  CHECK(outline(report) == "upstream ok, request ok");
  CHECK(holds(report.steps[0].detail, "connect"));
}

TEST_CASE("nothing listens at the upstream") {
  const auto report = walked({upstream_at(Kind::socks5, closed_port())});
  REQUIRE(outline(report) == "upstream FAILED");
  CHECK(holds(report.steps[0].cause, "nothing listens"));
}

TEST_CASE("the far end refuses") {
  const ThreadServer server(script({kGreeting, kRefused}));
  const auto report = walked({upstream_at(Kind::socks5, server.port())});
  REQUIRE(outline(report) == "upstream ok, request FAILED");
  CHECK(holds(report.steps[1].cause, "refused the connection"));
}

TEST_CASE("a connection that is granted and then closed") {
  const ThreadServer server(script({kGreeting, kGranted}));
  const auto report = walked({upstream_at(Kind::socks5, server.port())});
  REQUIRE(outline(report) == "upstream ok, request FAILED");
  CHECK(holds(report.steps[1].cause, "said yes to gcr.io:443 and closed the connection at once"));
}

TEST_CASE("an HTTP proxy that wants a password") {
  const ThreadServer server(
      script({"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nConnection: close\r\n"
              "Content-Length: 0\r\n\r\n"}));
  const auto report = walked({upstream_at(Kind::http, server.port())});
  REQUIRE(outline(report) == "upstream FAILED");
  CHECK(holds(report.steps[0].fix, "--upstream http://USER:PASSWORD@127.0.0.1:"));
}

TEST_CASE("a SOCKS server that is given as http, and the other way round") {
  const ThreadServer socks([](const std::string& message, std::size_t) {
    return message[0] == '\x05' ? kGreeting : std::string();
  });
  const auto as_http = walked({upstream_at(Kind::http, socks.port())});
  REQUIRE(outline(as_http) == "upstream FAILED");
  CHECK(holds(as_http.steps[0].fix, "--upstream socks5://"));
  const ThreadServer http(script({"HTTP/1.1 400 Bad Request\r\n\r\n"}));
  const auto as_socks = walked({upstream_at(Kind::socks5, http.port())});
  REQUIRE(outline(as_socks) == "upstream FAILED");
  CHECK(holds(as_socks.steps[0].fix, "--upstream http://"));
}

TEST_CASE("an HTTP port that accepts and is silent is told from a target that hangs") {
  const ThreadServer deaf([](const std::string&, std::size_t) { return kHang; });
  UpstreamConfig impatient = upstream_at(Kind::http, deaf.port());
  impatient.connect_timeout = std::chrono::milliseconds(200);
  CHECK(outline(walked({impatient})) == "upstream FAILED");
  const ThreadServer waits([](const std::string& message, std::size_t) {
    return message.starts_with("CONNECT") ? kHang : "HTTP/1.1 400 No\r\n\r\n";
  });
  impatient.address.port = waits.port();
  CHECK(outline(walked({impatient})) == "upstream ok, request FAILED");
}

TEST_CASE("of two upstreams the second one is asked, too") {
  const ThreadServer server(script({kGreeting, kGranted, "\x15"s}));
  const auto report =
      walked({upstream_at(Kind::socks5, closed_port()), upstream_at(Kind::socks5, server.port())});
  CHECK(outline(report) == "upstream FAILED, upstream ok, request ok");
}

TEST_CASE("each hop of a chain has a step, and what is behind a broken one is not tried") {
  const ThreadServer refuses(script({kGreeting, kRefused}));
  UpstreamConfig next = upstream_at(Kind::http, closed_port());
  next.via = "first";
  next.via_index = 0;
  const auto beyond_refused = [&](UpstreamConfig first) {
    Config config = config_of({std::move(first), next});
    config.default_route = {1};
    const auto walk = walk_with(std::move(config));
    return walked(*walk);
  };
  const auto report = beyond_refused(upstream_at(Kind::socks5, refuses.port()));
  REQUIRE(outline(report) == "upstream ok, upstream FAILED");
  CHECK(report.steps[1].subject == next.label);
  CHECK(holds(report.steps[1].cause, "refused the connection"));
  CHECK(outline(beyond_refused(upstream_at(Kind::socks5, closed_port()))) == "upstream FAILED");
}

TEST_CASE("an upstream at the port of a tunnel that does not run is not tried") {
  UpstreamConfig tunnel = upstream_at(Kind::socks5, 1);
  tunnel.tunnel = 1;
  tunnel.address.port = 0;
  tunnel.label = "socks5://127.0.0.1:{port}";
  const auto report = walked({tunnel});
  REQUIRE(outline(report) == "upstream FAILED");
  CHECK(report.steps[0].subject == tunnel.label);
  CHECK(holds(report.steps[0].cause, "check starts no --tunnel-command"));
  CHECK(holds(report.steps[0].fix, "--upstream socks5://127.0.0.1:PORT"));

  // Nor what is behind it.
  UpstreamConfig next = upstream_at(Kind::http, closed_port());
  next.via_index = 0;
  Config config = config_of({tunnel, next});
  config.default_route = {1, 0};
  const auto walk = walk_with(std::move(config));
  CHECK(outline(walked(*walk)) == "upstream FAILED");
}

TEST_CASE("without a target each upstream is looked at") {
  const ThreadServer http(script({"HTTP/1.1 400 Bad Request\r\n\r\n"}));
  const auto walk = walk_with(
      config_of({upstream_at(Kind::socks5, closed_port()), upstream_at(Kind::http, http.port())}));
  WaySteps way(*walk);
  TargetReport report;
  way.walk_upstreams(report);
  CHECK(outline(report) == "upstream FAILED, upstream ok");
}

TEST_CASE("the route of a target is told, and what denies it") {
  Config config = config_of({upstream_at(Kind::socks5, 9)});
  std::vector<std::string> problems;
  config.routes.push_back({"gcr.io=deny", parse_target_patterns("gcr.io", problems), {}, {}});
  config.default_route = {0};
  const auto walk = walk_with(std::move(config));
  const CheckStep denied = route_step(*walk, kTarget.host);
  CHECK_FALSE(denied.ok);
  CHECK(holds(denied.cause, "--route gcr.io=deny"));
  CHECK(holds(denied.fix, "--route 'gcr.io=proxy://127.0.0.1:9'"));
  CHECK(route_step(*walk, HostPort::parse("a.b:443").value()).ok);

  Config file = config_of({upstream_at(Kind::socks5, 9)});
  file.file = "h.toml";
  for (const char* const host : {"gcr.io", "x.y"}) {
    file.routes.push_back({std::string(host) + "=deny",
                           parse_target_patterns(host, problems),
                           {},
                           {},
                           "h.toml:2: route"});
  }
  file.default_route = {0};
  const auto of_file = walk_with(std::move(file));
  const CheckStep by_file = route_step(*of_file, kTarget.host);
  const WayTo nowhere = of_file->dial(kTarget.host, DialPurpose::tunnel);
  CHECK(nowhere.rule == "h.toml:2: route gcr.io=deny");
  CHECK(nowhere.cause == "denied by h.toml:2: route gcr.io=deny");
  CHECK(holds(by_file.cause, "denied by h.toml:2: route gcr.io=deny: gcr.io"));
  CHECK(by_file.fix == "route = [\"gcr.io=proxy://127.0.0.1:9\", \"x.y=deny\"]  # in h.toml");
}

TEST_CASE("the time of the whole ends a step that is under way") {
  const ThreadServer deaf([](const std::string&, std::size_t) { return kHang; });
  const std::size_t before = open_files();
  {
    const auto walk = walk_with(config_of({upstream_at(Kind::socks5, deaf.port())}),
                                std::chrono::milliseconds(200));
    const auto report = walked(*walk);
    REQUIRE(outline(report) == "upstream FAILED");
    CHECK(report.steps[0].cause == "no answer within 0.2 s");
    CHECK(holds(report.steps[0].fix, "--timeout 400ms"));
    // What comes after it fails at once, and is not blamed.
    const auto later = walked(*walk);
    CHECK(outline(later) == "upstream FAILED");
    CHECK(later.steps[0].cause == "not tried: the 0.2 s of --timeout were over");
    CHECK_FALSE(walk->dial(kTarget.host, DialPurpose::tunnel).stream.ok());
  }
  // The server keeps its end.
  CHECK(open_files() <= before + 1);
}

TEST_CASE("what our own --no-proxy takes out is told with it") {
  Config config = config_of({upstream_at(Kind::socks5, 9), {}});
  config.upstreams[1].label = "direct://";
  config.no_proxy = NoProxy("gcr.io,127.0.0.2");
  config.no_proxy_lines = {{"c.toml:3: no-proxy", "gcr.io,127.0.0.2"}};
  config.direct = 1;
  config.default_route = {0};
  const auto walk = walk_with(std::move(config));
  const auto report = walked(*walk, {HostPort::from("127.0.0.2", closed_port()).value()});
  REQUIRE(outline(report) == "request FAILED");
  CHECK(holds(report.steps[0].fix, "--no-proxy"));
}

TEST_CASE("after its end a walk leaves nothing behind") {
  const auto walk = walk_with(config_of({upstream_at(Kind::socks5, closed_port())}));
  walked(*walk);
  CHECK_FALSE(walk->is_busy());
}

TEST_CASE("a signal ends a step that is under way") {
  const ThreadServer deaf([](const std::string&, std::size_t) {
    kill(getpid(), SIGINT);
    return kHang;
  });
  const auto walk = walk_with(config_of({upstream_at(Kind::socks5, deaf.port())}));
  const auto report = walked(*walk);
  REQUIRE(outline(report) == "upstream FAILED");
  CHECK(report.steps[0].cause == "interrupted");
}

TEST_CASE("a dial by the route tells cause and fix of a failure") {
  const auto walk = walk_with(config_of({upstream_at(Kind::socks5, closed_port())}));
  const WayTo way = walk->dial(kTarget.host, DialPurpose::tunnel);
  CHECK_FALSE(way.stream.ok());
  CHECK(way.upstream == &walk->upstream(0));
  CHECK(holds(way.cause, "nothing listens"));
  CHECK(holds(way.fix, "ssh -N -D"));
}

TEST_CASE("what listens at a port is told") {
  struct Case {
    Answers answers;
    const char* kind;
  };
  const Case cases[] = {
      {script({"HTTP/1.1 400 culvert: not a request for a proxy\r\n\r\n"}), "culvert"},
      {script({"HTTP/1.1 400 Bad Request\r\nServer: squid/5.7\r\n\r\n"}),
       "an HTTP proxy that is not culvert"},
      {script({"HTTP/1.0 200 OK\r\nServer: SimpleHTTP/0.6\r\n\r\n"}),
       "an HTTP server that is not culvert; whether it is a proxy is not known"},
      {[](const std::string& message, std::size_t) {
         return message[0] == '\x05' ? kGreeting : std::string();
       },
       "a server that speaks SOCKS5"},
      {script({"\x15\x03\x01\x00\x02\x02\x0a"s}), "a server that speaks TLS"},
      {script({}), "a server that closes the connection"},
  };
  const auto walk = walk_with(config_of({upstream_at(Kind::socks5, 9)}));
  for (const Case& one : cases) {
    const ThreadServer server(one.answers);
    const auto look = look_at_port(*walk, HostPort::from("127.0.0.1", server.port()).value());
    CHECK(look.connected);
    CHECK(kind_of_server(look) == one.kind);
  }
  CHECK_FALSE(look_at_port(*walk, HostPort::from("127.0.0.1", closed_port()).value()).connected);
}

TEST_CASE("servers that are no proxy are told by what they answer") {
  struct Case {
    std::string banner;
    const char* kind;
  };
  const Case cases[] = {
      {"SSH-2.0-OpenSSH_9.2p1\r\n", "a server that speaks SSH"},
      {"220 mail.example ESMTP Postfix\r\n", "a server that speaks SMTP"},
      {"220 (vsFTPd 3.0.3)\r\n", "a server that speaks FTP"},
      {"J\0\0\0\x0a"
       "5.5.5-10.11.4-MariaDB\0"s,
       "a server that speaks MySQL"},
      {"* OK IMAP4rev1\r\n", "a server that speaks IMAP"},
      {"-ERR unknown command 'GET'\r\n", "a server that speaks Redis"},
      {"HTTP/1.0 501 Tor is not an HTTP Proxy\r\n\r\n", "a server that speaks SOCKS5"},
      {"\0\x5b"s, "a server that speaks SOCKS4"},
      {"hello \x1b[31m\r\n", "a server that answers \"hello ?[31m\""},
      {"HTTP/1.1 200 OK\r\n\r\nuse HTTPS\r\n",
       "an HTTP server that is not culvert; whether it is a proxy is not known"},
      {"HTTP/1.1 400 Bad Request\r\n\r\nsent to an HTTPS server\r\n", "a server that speaks TLS"},
  };
  const auto walk = walk_with(config_of({upstream_at(Kind::socks5, 9)}));
  for (const Case& one : cases) {
    CAPTURE(one.kind);
    const ThreadServer server(script({one.banner}));
    const auto look = look_at_port(*walk, HostPort::from("127.0.0.1", server.port()).value());
    CHECK(kind_of_server(look) == one.kind);
  }
}

namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;

/// Steps with these proxy variables alone.
struct Around {
  explicit Around(const Variables& variables,
                  Config config = config_of({upstream_at(Kind::socks5, 9)}))
      : walk(walk_with(std::move(config))) {
    for (const char* name : {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY",
                             "all_proxy", "NO_PROXY", "no_proxy"}) {
      unsetenv(name);
    }
    for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
    around.emplace(*walk, std::nullopt, kRunning);
    for (const auto& [name, value] : variables) unsetenv(name.c_str());
  }

  std::unique_ptr<Walk> walk;
  std::optional<Surroundings> around;
};

const VariablesFor kHttps{kTarget.host, true};
const VariablesFor kHttp{HostPort::parse("a.example:80").value(), false};
const VariablesFor kLoopback{HostPort::parse("127.0.0.1:5000").value(), true};

std::string at(const ThreadServer& server) { return "127.0.0.1:" + std::to_string(server.port()); }

}  // namespace

TEST_CASE("only the variable that a target uses fails its step") {
  Around one(
      Variables{{"https_proxy", "http://127.0.0.1:3128"}, {"http_proxy", "http://u:p%w@h:1"}});
  const CheckStep https = one.around->environment_step(kHttps);
  CHECK(https.ok);
  CHECK(holds(https.detail, "; http_proxy is ignored by Go programs"));
  CHECK_FALSE(one.around->environment_step(kHttp).ok);
  CHECK(one.around->environment_step(kLoopback).ok);
  CHECK_FALSE(one.around->environment_step({}).ok);
  CHECK_FALSE(one.around->listener_step(kLoopback));
  Around all(Variables{{"ALL_PROXY", "http://127.0.0.1:3128"}});
  CHECK_FALSE(all.around->environment_step(kHttps).ok);
  const CheckStep http = all.around->environment_step(kHttp);
  CHECK_FALSE(http.ok);
  CHECK(http.fix == "export http_proxy=http://127.0.0.1:3128");
  CHECK(all.around->environment_step(kLoopback).ok);
}

TEST_CASE("a near target is connected to directly by right") {
  const VariablesFor near{HostPort::parse("192.168.1.5:5000").value(), true};
  Around spared(Variables{{"HTTPS_PROXY", "http://127.0.0.1:3128"}, {"NO_PROXY", "192.168.1.5"}});
  CHECK(spared.around->spares_near(near));
  const CheckStep step = spared.around->environment_step(near);
  CHECK(step.ok);
  CHECK(step.detail == "clients connect to 192.168.1.5 directly, by NO_PROXY");
  CHECK_FALSE(spared.around->listener_step(near));
  CHECK_FALSE(spared.around->spares_near(kHttps));
  Around sent(Variables{{"HTTPS_PROXY", "http://127.0.0.1:3128"}, {"no_proxy", "a.b"}});
  CHECK_FALSE(sent.around->spares_near(near));
  CHECK(sent.around->environment_step(near).ok);
  CHECK(sent.around->spare_fix(*near.target) == "export no_proxy=a.b,192.168.1.5");
  Around nothing(Variables{});
  CHECK_FALSE(nothing.around->spares_near(near));
  CHECK(nothing.around->spare_fix(*near.target)
            .starts_with("culvert setup docker --no-proxy localhost,127.0.0.1,192.168.1.5 "
                         "--install  # "));
}

TEST_CASE("an address that this machine does not have yet is no listener that fails") {
  Config config = config_of({upstream_at(Kind::socks5, 9)});
  config.listen.emplace_back().address = HostPort::parse("192.0.2.1:3128").value();
  Around absent(Variables{}, std::move(config));
  const auto step = absent.around->listener_step(kHttps);
  REQUIRE(step);
  CHECK(step->ok);
  CHECK(holds(step->detail, "no interface of this machine has that address yet"));
}

TEST_CASE("who does not speak what the variable says fails the step listener") {
  const ThreadServer ssh(script({"SSH-2.0-x\r\n"}));
  const ThreadServer socks4(script({"\0\x5b"s}));
  const ThreadServer socks5([](const std::string& message, std::size_t) {
    return message[0] == '\x05' ? kGreeting : std::string();
  });
  const ThreadServer http(script({"HTTP/1.1 400 no\r\n\r\n"}));
  const ThreadServer both([](const std::string& message, std::size_t) {
    return message[0] == '\x05' ? kGreeting : "HTTP/1.1 400 no\r\n\r\n"s;
  });
  struct Case {
    std::string url;
    std::string cause, fix;  // empty: it is well
  };
  for (const Case& one : {
           Case{"http://" + at(ssh), "a server that speaks SSH listens where",
                "--upstream socks5://127.0.0.1:9 --listen 127.0.0.1:3128  # and: export"},
           Case{"https://" + at(ssh), "a server that speaks SSH", "export https_proxy=http://"},
           Case{"socks5://" + at(ssh), "no SOCKS5 server", "export https_proxy=http://"},
           Case{"http://" + at(socks4), "a SOCKS4 server listens",
                "--upstream socks4a://" + at(socks4)},
           Case{"http://" + at(socks5), "a SOCKS5 server listens",
                "--upstream socks5://" + at(socks5)},
           Case{"socks5://" + at(socks5), "", ""},
           Case{"socks5h://" + at(both), "", ""},
           Case{"http://" + at(both), "", ""},
           Case{"socks5://u:p@" + at(http), "a proxy that speaks HTTP",
                "export https_proxy=http://USER:PASSWORD@" + at(http)},
       }) {
    CAPTURE(one.url);
    Around here(Variables{{"https_proxy", one.url}});
    CHECK(here.around->environment_step(kHttps).ok);
    const auto step = here.around->listener_step(kHttps);
    REQUIRE(step);
    CHECK(step->ok == one.cause.empty());
    CHECK(holds(step->cause, one.cause));
    CHECK(holds(step->fix, one.fix));
  }
}

TEST_CASE("a scheme that Go does not know fails one step") {
  const ThreadServer socks4(script({"\0\x5b"s}));
  Around here(Variables{{"https_proxy", "socks4://" + at(socks4)}});
  CHECK_FALSE(here.around->environment_step(kHttps).ok);
  CHECK(here.around->listener_step(kHttps)->ok);
}

TEST_CASE("a proxy on another machine is not served by this one") {
  Around far(Variables{{"https_proxy", "http://no-such-host.invalid:3128"}});
  const auto step = far.around->listener_step(kHttps);
  REQUIRE(step);
  CHECK_FALSE(step->ok);
  CHECK_FALSE(holds(step->fix, "--listen no-such"));
  CHECK(holds(step->fix, "export https_proxy=http://127.0.0.1:3128"));
}

TEST_CASE("a culvert that listens on a unix socket alone is named as that") {
  Config config = config_of({upstream_at(Kind::socks5, 9)});
  ListenConfig listen;
  listen.kind = ListenConfig::Kind::unix_socket;
  listen.path = "/run/culvert.sock";
  config.listen = {listen};
  Around here(Variables{}, config);
  const auto step = here.around->listener_step(kHttps);
  REQUIRE(step);
  CHECK(step->ok);
  CHECK(step->subject == "unix:/run/culvert.sock");
  CHECK(holds(step->detail, "no proxy variable can name"));
}

TEST_CASE("the variables of this process, and who listens where they point") {
  const ThreadServer culvert(script({"HTTP/1.1 400 culvert: no\r\n\r\n"}));
  const std::string place = "127.0.0.1:" + std::to_string(culvert.port());
  const auto walk = walk_with(config_of({upstream_at(Kind::socks5, 9)}));
  const VariablesFor asked{kTarget.host, true};
  for (const char* name : {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY",
                           "all_proxy", "NO_PROXY", "no_proxy"}) {
    unsetenv(name);
  }
  const auto with = [&](const std::string& value, std::optional<int> pid = std::nullopt) {
    setenv("https_proxy", value.c_str(), 1);
    auto surroundings = std::make_unique<Surroundings>(*walk, pid, kRunning);
    unsetenv("https_proxy");
    return surroundings;
  };
  const auto right = with("http://" + place);
  CHECK(right->environment_step(asked).ok);
  CHECK(right->listener_step(asked)->ok);
  CHECK(right->listener_step(asked)->detail == "culvert");
  const auto wrong = with("https://me:hush@" + place);
  const CheckStep step = wrong->environment_step(asked);
  CHECK_FALSE(step.ok);
  CHECK(step.fix == "export https_proxy=http://USER:PASSWORD@" + place);
  CHECK_FALSE(holds(step.detail + step.cause, "hush"));
  CHECK(wrong->listener_step(asked)->ok);
  const auto nobody = with("http://127.0.0.1:" + std::to_string(closed_port()));
  CHECK(nobody->environment_step(asked).ok);
  CHECK_FALSE(nobody->listener_step(asked)->ok);
  const auto unset = with("");
  CHECK(unset->environment_step(asked).ok);
  CHECK(unset->listener_step(asked)->ok);
  const auto lost = with("", 2'000'000'000);
  CHECK(lost->environment_step(asked).cause == "there is no process 2000000000");
  CHECK(holds(unset->config_step().detail, "1 upstream"));
}

TEST_CASE("an HTTP proxy given as socks4a is told at once, whether it waits for a line or not") {
  const ThreadServer patient([](const std::string& message, std::size_t) {
    return holds(message, "\n") ? "HTTP/1.1 400 Bad Request\r\n\r\n"s : kHang;
  });
  const ThreadServer hasty(script({"HTTP/1.1 400 Bad Request\r\n\r\n"}));
  for (const ThreadServer* const server : {&patient, &hasty}) {
    auto report = walked({upstream_at(Kind::socks4a, server->port())});
    REQUIRE(outline(report) == "upstream FAILED");
    CHECK(holds(report.steps[0].cause, "answers in HTTP, not in SOCKS4"));
    CHECK(report.steps[0].fix == "--upstream http://127.0.0.1:" + std::to_string(server->port()));
    CHECK(report.steps[0].time < std::chrono::seconds(6));
    const auto walk = walk_with(config_of({upstream_at(Kind::socks4a, server->port())}));
    WaySteps way(*walk);
    report = {};
    way.walk_upstreams(report);
    CHECK(outline(report) == "upstream FAILED");
    UpstreamConfig beyond = upstream_at(Kind::socks5, 9);
    beyond.via_index = 1;
    report = walked({beyond, upstream_at(Kind::socks4a, server->port())});
    REQUIRE(outline(report) == "upstream FAILED");
    CHECK(holds(report.steps[0].cause, "answers in HTTP, not in SOCKS4"));
  }
}

TEST_CASE("a server of SOCKS4a that refuses a command, or closes on it, is one") {
  const std::string granted = "\x00\x5a\x00\x00\x00\x00\x00\x00"s;
  const std::string refused = "\x00\x5b\x00\x00\x00\x00\x00\x00"s;
  for (const std::string& refusal : {refused, std::string()}) {
    const ThreadServer server([&](const std::string& message, std::size_t n) {
      if (n > 0) return "\x16\x03\x03\x00\x02"s;
      return message[1] == 1 ? granted : refusal;
    });
    CHECK(outline(walked({upstream_at(Kind::socks4a, server.port())})) ==
          "upstream ok, request ok");
  }
}
