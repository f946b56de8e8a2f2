// A worker with real sockets: who is let in, and how it ends.
#include "server/worker.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/refused_watches.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

/// A worker that connects directly, its clients, and a target.
struct House {
  enum class Socket { ours, outlives_us };
  explicit House(Config given = {}, Socket kind = Socket::ours)
      : target(listen_on_loopback(target_port)) {
    if (given.upstreams.empty()) given.upstreams = {direct()};
    const std::size_t upstreams = given.upstreams.size();
    given.log_level = Log::Level::error;
    given.hold = 0ms;
    if (given.listen.empty()) given.listen = {ListenConfig()};
    ruleset = std::make_shared<Ruleset>(
        std::move(given), std::vector<std::shared_ptr<const TlsClientContext>>(upstreams));
    const HostPort any{"127.0.0.1", 0, IpAddress::parse("127.0.0.1")};
    std::vector<ListenSocket> sockets;
    sockets.push_back(ListenSocket::tcp(any, false).value());
    port = sockets[0].address().port;
    elsewhere = Fd(dup(sockets[0].fd()));
    if (kind == Socket::outlives_us) {
      sockets[0].set_outlives_us();
    } else {
      elsewhere.reset();
    }
    ruleset->listeners = {sockets[0].address()};
    worker =
        std::make_unique<Worker>(shared, ruleset, 0, 1, std::move(sockets), [this] { ++drained; });
  }

  template <typename Done>
  [[nodiscard]] bool until(Done done) {
    return turn_until(worker->loop(), done);
  }
  std::string connect_request(std::uint16_t to) const {
    const std::string authority = "127.0.0.1:" + std::to_string(to);
    return "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n\r\n";
  }
  /// A client that has sent `bytes`.
  Fd client(std::string_view bytes = {}) const {
    Fd fd = connect_to_loopback(port);
    send_all(fd, bytes);
    return fd;
  }
  /// What arrives until `size` bytes or the end have come.
  std::string receive(const Fd& fd, std::size_t size = std::string::npos) {
    std::string received;
    CHECK(until([&] {
      const Received now = receive_now(fd);
      received += now.bytes;
      return now.ended || now.error != 0 || received.size() >= size;
    }));
    return received;
  }
  std::string get_request() const {
    const std::string authority = "127.0.0.1:" + std::to_string(target_port);
    return "GET http://" + authority + "/ HTTP/1.1\r\nHost: " + authority + "\r\n\r\n";
  }
  /// The target's end of the next connection to it.
  Fd accepted() {
    Fd fd;
    REQUIRE(until([&] {
      pollfd ready{target.get(), POLLIN, 0};
      return poll(&ready, 1, 0) == 1;
    }));
    fd = Fd(accept(target.get(), nullptr, nullptr));
    return fd;
  }
  /// Answers to a GET of `client` that was or will be sent; what the client gets.
  std::string answer(const Fd& client) {
    const Fd server = accepted();
    send_all(server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    std::string got;
    CHECK(until([&] { return (got += receive_now(client).bytes).ends_with("\r\n\r\nok"); }));
    settle(worker->loop(), 5);
    return got;
  }
  struct Gathered {
    WorkerFacts facts;
    std::vector<SessionFacts> sessions;
  };
  Gathered gather() {
    std::optional<Gathered> got;
    worker->gather(true, [&](WorkerFacts facts, std::vector<SessionFacts> sessions) {
      got = Gathered{std::move(facts), std::move(sessions)};
    });
    REQUIRE(until([&] { return got.has_value(); }));
    return *got;
  }
  WorkerFacts facts() { return gather().facts; }
  /// The oldest one first.
  std::vector<SessionFacts> sessions() {
    std::vector<SessionFacts> all = gather().sessions;
    std::sort(all.begin(), all.end(),
              [](const auto& one, const auto& other) { return one.id < other.id; });
    return all;
  }
  void reload(auto change) {
    Config config = ruleset->config;
    change(config);
    const std::size_t upstreams = config.upstreams.size();
    const auto next = std::make_shared<Ruleset>(
        std::move(config), std::vector<std::shared_ptr<const TlsClientContext>>(upstreams));
    next->keep_from(*ruleset);
    ruleset = next;
    worker->adopt(next);
    settle(worker->loop(), 5);
  }
  /// A client with a tunnel, and the target's end of it.
  SocketPair tunnel() {
    SocketPair pair;
    pair.far = client(connect_request(target_port));
    CHECK(receive(pair.far, kEstablished.size()) == kEstablished);
    pair.near = Fd(accept(target.get(), nullptr, nullptr));
    return pair;
  }

  std::uint16_t target_port = 0;
  std::uint16_t port = 0;
  Fd target;
  Fd elsewhere;  // the listening socket, as systemd or a successor has it
  Shared shared;
  std::shared_ptr<Ruleset> ruleset;
  std::unique_ptr<Worker> worker;
  int drained = 0;
};

TunnelSet tunnels_used(House& house) {
  std::optional<TunnelSet> used;
  house.worker->find_tunnels([&](TunnelSet set) { used = set; });
  REQUIRE(house.until([&] { return used.has_value(); }));
  return *used;
}

void deny_all(Config& config) {
  std::string problem;
  config.routes = {{.text = "*=deny",
                    .patterns = {*TargetPattern::parse("*", problem)},
                    .presets = {},
                    .upstreams = {}}};
}

Config with(auto change) {
  Config config;
  change(config);
  return config;
}

}  // namespace

TEST_CASE("a worker serves whoever comes, and counts them") {
  House house;
  SocketPair first = house.tunnel();
  SocketPair second = house.tunnel();
  CHECK(house.shared.connections == 2);
  send_all(first.far, "ping");
  CHECK(house.receive(first.near, 4) == "ping");
  send_all(first.near, "pong");
  send_fin(first.near);
  CHECK(house.receive(first.far) == "pong");
  first.far.reset();
  CHECK(house.until([&] { return house.shared.connections == 1; }));
}

TEST_CASE("a worker's facts have the bytes of a running tunnel, and each byte once") {
  House house;
  SocketPair tunnel = house.tunnel();
  send_all(tunnel.far, "ping");
  CHECK(house.receive(tunnel.near, 4) == "ping");
  send_all(tunnel.near, "pong!");
  CHECK(house.receive(tunnel.far, 5) == "pong!");
  const auto check = [&](std::size_t tunnels, std::uint64_t requests) {
    const WorkerFacts facts = house.facts();
    CHECK(facts.accepted == 1);
    CHECK(facts.connections == tunnels);
    CHECK(facts.tunnels == tunnels);
    CHECK(facts.bytes.up == 4);
    CHECK(facts.bytes.down == 5);
    CHECK(facts.stats.requests(RequestKind::connect, Outcome::Kind::ok) == requests);
    const UpstreamTally* const direct = facts.upstream("direct");
    REQUIRE(direct != nullptr);
    CHECK(direct->tunnels == tunnels);
    CHECK(direct->bytes.up == 4);
    CHECK(direct->bytes.down == 5);
    CHECK(direct->counters.requests == requests);
    CHECK(direct->counters.attempts[static_cast<std::size_t>(AttemptEnd::connected)] == 1);
    CHECK(direct->counters.connect.total() == 1);
    CHECK(direct->counters.first_byte.total() == 1);
    CHECK(facts.target_lookups == 0);
    CHECK(facts.cpu.count() > 0);
  };
  check(1, 0);
  // A reload begins nothing anew.
  house.reload([](Config& config) { config.hold = 1ms; });
  check(1, 0);
  tunnel.far.reset();
  tunnel.near.reset();
  CHECK(house.until([&] { return house.worker->stats().requests() == 1; }));
  settle(house.worker->loop(), 3);
  check(0, 1);
}

TEST_CASE("a worker forgets an upstream that no configuration has any more, and its figures") {
  House house;
  SocketPair tunnel = house.tunnel();
  house.reload([](Config& config) { config.upstreams[0].name = "other"; });
  CHECK(house.facts().upstream("other") != nullptr);
  CHECK(house.facts().upstreams.size() == 2);  // the tunnel still runs
  tunnel.far.reset();
  tunnel.near.reset();
  CHECK(house.until([&] { return house.facts().upstreams.size() == 1; }));
  CHECK(house.facts().upstream("direct") == nullptr);
}

TEST_CASE("a client that is refused for want of connections has met that limit") {
  House house(with([](Config& config) { config.max_connections = 1; }));
  const SocketPair tunnel = house.tunnel();
  Fd refused = house.client(house.connect_request(house.target_port));
  CHECK(parse_answer(house.receive(refused)).status == 503);
  const WorkerFacts facts = house.facts();
  CHECK(facts.counters.limits[static_cast<std::size_t>(Limit::connections)] == 1);
  CHECK(facts.accepted == 2);
}

TEST_CASE("a worker sums up what it has served, without an access log too") {
  House house;
  REQUIRE_FALSE(house.worker->log().access_enabled());
  SocketPair tunnel = house.tunnel();
  send_all(tunnel.far, "ping");
  CHECK(house.receive(tunnel.near, 4) == "ping");
  send_all(tunnel.near, "pong!");
  CHECK(house.receive(tunnel.far, 5) == "pong!");
  CHECK(house.worker->stats().requests() == 0);  // it is not finished
  tunnel = {};
  Fd refused = house.client(house.connect_request(house.port));
  CHECK(parse_answer(house.receive(refused)).status == 403);
  refused.reset();  // or we linger
  CHECK(house.until([&] { return house.worker->stats().requests() == 2; }));

  // Two plain requests on one connection.
  const std::string authority = "127.0.0.1:" + std::to_string(house.target_port);
  const std::string get = "GET http://" + authority + "/ HTTP/1.1\r\nHost: " + authority + "\r\n";
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  Fd client = house.client(get + "\r\n" + get + "Connection: close\r\n\r\n");
  pollfd queue{house.target.get(), POLLIN, 0};
  CHECK(house.until([&] { return poll(&queue, 1, 0) == 1; }));
  const Fd server(accept(house.target.get(), nullptr, nullptr));
  std::string asked = house.receive(server, 1);
  send_all(server, answer);
  CHECK(house.until([&] { return house.worker->stats().requests() == 3; }));
  asked += house.receive(server, 1);
  send_all(server, answer);
  house.receive(client);
  client.reset();
  CHECK(house.until([&] { return house.shared.connections == 0; }));

  const Stats& stats = house.worker->stats();
  CHECK(stats.requests() == 4);
  CHECK(stats.requests(Outcome::Kind::ok) == 3);
  CHECK(stats.requests(Errc::destination_ip_prohibited) == 1);
  CHECK(stats.tunnels() == 1);
  CHECK(stats.exchanges() == 2);
}

TEST_CASE("one client beyond the limit gets a 503") {
  House house(with([](Config& config) { config.max_connections = 1; }));
  const SocketPair tunnel = house.tunnel();
  const Fd late = house.client(house.connect_request(house.target_port));
  const Answer answer = parse_answer(house.receive(late));
  CHECK(answer.status == 503);
  CHECK_THAT(answer.reason, Contains("--max-connections"));
}

TEST_CASE(
    "without descriptors a client that has sent nothing gives way, one that asks is answered") {
  House house;
  const Fd silent = house.client();
  REQUIRE(house.until([&] { return house.shared.connections == 1; }));
  usleep(60'000);
  Fd asking = house.client(house.connect_request(house.target_port));
  {
    const FileLimit none_left;
    CHECK(house.receive(silent).empty());
    CHECK_THAT(house.receive(asking, 60), Contains(" 503 ") && Contains("no file descriptors"));
  }
  asking.reset();
  REQUIRE(house.until([&] { return house.shared.connections == 0; }));
  // With bytes that were not looked at, it is not closed, whatever its time was.
  const Fd late = house.client();
  REQUIRE(house.until([&] { return house.shared.connections == 1; }));
  usleep(60'000);
  house.worker->loop().turn(0);
  send_all(late, house.connect_request(house.target_port));
  CHECK(house.worker->loop().make_room() == Loop::Room::soon);
  CHECK_THAT(house.receive(late, 12), Contains("HTTP/1.1 200"));
}

TEST_CASE("a worker without descriptors has the others' clients give way, not one without memory") {
  House house;
  Worker other(house.shared, house.ruleset, 1, 2, {}, [] {});
  const Fd silent = house.client();
  REQUIRE(house.until([&] { return house.shared.connections == 1; }));
  usleep(60'000);
  for (const int error : {ENOMEM, ENOBUFS, ENOSPC}) other.on_starved(error);
  for (int i = 0; i < 5; ++i) house.worker->loop().turn(20);
  CHECK(house.shared.connections == 1);
  other.on_starved(EMFILE);
  CHECK(house.until([&] { return house.shared.connections == 0; }));
}

TEST_CASE("a client whose socket the system does not watch is let go of at once") {
  House house;
  house.worker->loop().turn(0);  // in which libuv begins to watch its own
  const Fd unlucky = house.client(house.connect_request(house.target_port));
  std::string received = "nothing yet";
  if (!without_new_watches([&] { received = house.receive(unlucky); })) return;
  CHECK(received == "");
  CHECK(house.shared.connections == 0);
  // The next one may be luckier.
  const SocketPair tunnel = house.tunnel();
}

TEST_CASE("many more clients beyond the limit are closed without a response") {
  House house(with([](Config& config) { config.max_connections = 1; }));
  const SocketPair tunnel = house.tunnel();
  std::vector<Fd> refused;
  for (int i = 0; i < 256; ++i) refused.push_back(house.client());
  CHECK(house.until([&] { return house.shared.connections == 257; }));
  const Fd late = house.client();
  CHECK(house.receive(late) == "");
  CHECK(house.shared.connections == 257);
  // Those that were let in still get their answer.
  send_all(refused.back(), house.connect_request(house.target_port));
  CHECK(parse_answer(house.receive(refused.back())).status == 503);
}

TEST_CASE("a request for our own listener makes no loop") {
  House house;
  const Fd client = house.client(house.connect_request(house.port));
  CHECK(parse_answer(house.receive(client)).status == 403);
  CHECK(house.shared.connections <= 1);
}

TEST_CASE("a client that resets right behind its request keeps nobody busy") {
  House house;
  const SilentPort nowhere;
  Fd client = house.client(house.connect_request(nowhere.number()));
  send_reset(client);
  settle(house.worker->loop(), 10);
  CHECK(house.until([&] { return house.shared.connections == 0; }));
}

TEST_CASE("a worker without sessions drains at once") {
  House house;
  house.worker->drain();
  CHECK(house.until([&] { return house.drained == 1; }));
  house.worker->drain();
  settle(house.worker->loop(), 5);
  CHECK(house.drained == 1);
  CHECK_FALSE(house.worker->loop().busy());
  CHECK_THROWS(connect_to_loopback(house.port));
}

TEST_CASE("draining lets tunnels finish, however much they still carry") {
  House house;
  SocketPair tunnel = house.tunnel();
  house.worker->drain();
  settle(house.worker->loop(), 5);
  CHECK(house.drained == 0);
  send_all(tunnel.far, "still up");
  CHECK(house.receive(tunnel.near, 8) == "still up");
  send_all(tunnel.near, "still down");
  CHECK(house.receive(tunnel.far, 10) == "still down");
  tunnel.far.reset();
  tunnel.near.reset();
  CHECK(house.until([&] { return house.drained == 1; }));
  CHECK(house.shared.connections == 0);
  CHECK_FALSE(house.worker->loop().busy());
}

TEST_CASE("clients in the queue when draining begins get a 503, not a reset") {
  House house;
  const Fd queued = house.client(house.connect_request(house.target_port));
  house.worker->drain();  // before the loop has seen it
  const Answer answer = parse_answer(house.receive(queued));
  CHECK(answer.status == 503);
  CHECK_THAT(answer.reason, Contains("shutting down"));
}

TEST_CASE("tunnels that do not finish in time are ended") {
  House house(with([](Config& config) { config.drain_timeout = 30ms; }));
  const SocketPair tunnel = house.tunnel();
  house.worker->drain();
  CHECK(house.until([&] { return house.drained == 1; }));
  // Cut off, and not to be taken for complete.
  CHECK(receive_now(tunnel.far).error == ECONNRESET);
  CHECK(receive_now(tunnel.near).error == ECONNRESET);
}

TEST_CASE("without a drain timeout the last tunnel is waited for") {
  House house(with([](Config& config) { config.drain_timeout.reset(); }));
  SocketPair tunnel = house.tunnel();
  house.worker->drain();
  settle(house.worker->loop(), 20);
  CHECK(house.drained == 0);
  send_all(tunnel.far, "still here");
  std::string received;
  CHECK(house.until([&] { return (received += receive_now(tunnel.near).bytes).size() == 10; }));
  tunnel.far = Fd();
  tunnel.near = Fd();
  CHECK(house.until([&] { return house.drained == 1; }));
}

TEST_CASE("clients in the queue of a socket that outlives us are left to the next process") {
  const Drain how = GENERATE(Drain::restart, Drain::handed_over);
  House house({}, House::Socket::outlives_us);
  const Fd queued = house.client(house.connect_request(house.target_port));
  house.worker->drain(how);  // before the loop has seen it
  CHECK(house.until([&] { return house.drained == 1; }));
  CHECK(house.shared.connections == 0);
  const Fd late = house.client();  // not refused either
  for (const Fd* const client : {&queued, &late}) {
    const Received now = receive_now(*client);
    CHECK(now.bytes.empty());
    CHECK_FALSE(now.ended);
    CHECK(now.error == 0);
    CHECK(Fd(accept(house.elsewhere.get(), nullptr, nullptr)).get() >= 0);
  }
}

TEST_CASE("whoever was accepted before a restart or a hand-over is served") {
  const Drain how = GENERATE(Drain::restart, Drain::handed_over);
  House house({}, House::Socket::outlives_us);
  const Fd silent = house.client();
  const Fd half = house.client("CONNECT 127");
  REQUIRE(house.until([&] { return house.shared.connections == 2; }));
  settle(house.worker->loop(), 5);
  house.worker->drain(how);
  settle(house.worker->loop(), 5);
  CHECK(house.drained == 0);
  send_all(silent, house.connect_request(house.target_port));
  CHECK(house.receive(silent, kEstablished.size()) == kEstablished);
  send_all(half, house.connect_request(house.target_port).substr(11));
  CHECK(house.receive(half, kEstablished.size()) == kEstablished);
}

TEST_CASE("a connection between two requests ends at a restart, and may go on at a hand-over") {
  const Drain how = GENERATE(Drain::restart, Drain::handed_over);
  House house({}, House::Socket::outlives_us);
  const std::string authority = "127.0.0.1:" + std::to_string(house.target_port);
  const std::string get =
      "GET http://" + authority + "/ HTTP/1.1\r\nHost: " + authority + "\r\n\r\n";
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  const Fd client = house.client(get);
  Fd server;
  REQUIRE(house.until([&] {
    pollfd ready{house.target.get(), POLLIN, 0};
    return poll(&ready, 1, 0) == 1;
  }));
  server = Fd(accept(house.target.get(), nullptr, nullptr));
  send_all(server, answer);
  std::string got;
  REQUIRE(house.until([&] { return (got += receive_now(client).bytes).ends_with("\r\n\r\nok"); }));
  settle(house.worker->loop(), 5);
  house.worker->drain(how);
  if (how == Drain::restart) {
    CHECK(house.receive(client).empty());
    CHECK(house.until([&] { return house.drained == 1; }));
    return;
  }
  settle(house.worker->loop(), 5);
  CHECK(house.drained == 0);
  send_all(client, get);
  got.clear();
  Fd again;
  CHECK(house.until([&] {
    pollfd ready{house.target.get(), POLLIN, 0};
    if (again.get() < 0 && poll(&ready, 1, 0) == 1) {
      again = Fd(accept(house.target.get(), nullptr, nullptr));
    }
    for (const Fd* const to : {&server, &again}) {
      if (to->get() >= 0 && !receive_now(*to).bytes.empty()) send_all(*to, answer);
    }
    got += receive_now(client).bytes;
    return got.ends_with("\r\n\r\nok");
  }));
  CHECK_THAT(got, Contains("Connection: close"));
  CHECK(house.until([&] { return house.drained == 1; }));
}

TEST_CASE("a worker that has handed over waits for its tunnels, until it is told to end") {
  House house(with([](Config& config) { config.drain_timeout = 30ms; }),
              House::Socket::outlives_us);
  const SocketPair tunnel = house.tunnel();
  house.worker->drain(Drain::handed_over);
  const auto begun = Loop::Clock::now();
  CHECK(house.until([&] { return Loop::Clock::now() - begun > 100ms; }));
  CHECK(house.drained == 0);
  send_all(tunnel.far, "still here");
  CHECK(house.receive(tunnel.near, 10) == "still here");
  house.worker->drain(Drain::last);
  CHECK(house.until([&] { return house.drained == 1; }));
  CHECK(receive_now(tunnel.far).error == ECONNRESET);
}

TEST_CASE("abort_all() ends every session now, at whatever stage") {
  House house;
  const SocketPair tunnel = house.tunnel();
  const Fd silent = house.client();
  const Fd half = house.client("CONNECT 127");
  const Fd refused = house.client("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK_THAT(house.receive(refused), Contains(" 400 "));
  const SilentPort nowhere;
  const Fd dialing = house.client(house.connect_request(nowhere.number()));
  REQUIRE(house.until([&] { return house.shared.connections == 5; }));
  settle(house.worker->loop(), 5);
  house.worker->drain();
  house.worker->abort_all();
  CHECK(house.until([&] { return house.drained == 1; }));
  CHECK(house.shared.connections == 0);
  CHECK_FALSE(house.worker->loop().busy());
}

TEST_CASE("a worker is destroyed with its sessions, and nothing of it is left") {
  const std::size_t files = open_files();
  {
    House house;
    const SocketPair tunnel = house.tunnel();
    const Fd silent = house.client();
    const SilentPort nowhere;
    const Fd dialing = house.client(house.connect_request(nowhere.number()));
    REQUIRE(house.until([&] { return house.shared.connections == 3; }));
    send_all(tunnel.far, std::string(100'000, 'x'));
    settle(house.worker->loop(), 5);
    house.worker.reset();
  }
  CHECK(open_files() == files);
}

TEST_CASE("a new ruleset is for new connections, those that there are keep theirs") {
  House house;
  SocketPair old = house.tunnel();
  house.reload([](Config& config) { config.max_connections = 1; });
  const Fd late = house.client(house.connect_request(house.target_port));
  CHECK(parse_answer(house.receive(late)).status == 503);
  send_all(old.far, "unimpressed");
  CHECK(house.receive(old.near, 11) == "unimpressed");
  old.far.reset();
  old.near.reset();
  CHECK(house.until([&] { return house.shared.connections <= 1; }));
}

TEST_CASE("a connection that waits for a request follows the rules of a reload") {
  House house;
  const Fd silent = house.client();
  const Fd kept = house.client(house.get_request());
  CHECK_THAT(house.answer(kept), Contains(" 200 OK") && !Contains("Connection: close"));
  const Fd half = house.client("CONNECT 127");
  const Fd empty_line = house.client("\r\n");
  REQUIRE(house.until([&] { return house.shared.connections == 4; }));
  settle(house.worker->loop(), 5);

  SECTION("which do not let its client in any more") {
    house.reload(deny_all);
    send_all(silent, house.connect_request(house.target_port));
    CHECK(parse_answer(house.receive(silent)).status == 403);
    send_all(empty_line, house.connect_request(house.target_port));
    CHECK(parse_answer(house.receive(empty_line)).status == 403);
    send_all(kept, house.get_request());
    CHECK(parse_answer(house.receive(kept)).status == 403);
    // This one had begun.
    send_all(half, house.connect_request(house.target_port).substr(11));
    CHECK(house.receive(half, kEstablished.size()) == kEstablished);
  }
  SECTION("again and again, and is not closed for that") {
    for (int i = 0; i < 3; ++i) house.reload([](Config&) {});
    for (int i = 0; i < 2; ++i) {
      send_all(kept, house.get_request());
      CHECK_THAT(house.answer(kept), Contains(" 200 OK") && !Contains("Connection: close"));
      house.reload([](Config&) {});
    }
    send_all(silent, house.connect_request(house.target_port));
    CHECK(house.receive(silent, kEstablished.size()) == kEstablished);
    house.worker->drain(Drain::restart);
    CHECK(house.receive(kept).empty());
  }
  SECTION("or is closed where a load balancer's header has to come first") {
    house.reload([](Config& config) { config.listen[0].proxy_protocol = true; });
    CHECK(house.receive(silent).empty());
    CHECK(house.receive(kept).empty());
  }
}

TEST_CASE("a request that has begun at a reload keeps its rules, and its connection ends") {
  House house;
  const Fd client = house.client(house.get_request());
  const Fd server = house.accepted();
  settle(house.worker->loop(), 5);
  house.reload(deny_all);
  SECTION("as the answer says") {
    send_all(server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    const std::string got = house.receive(client);
    CHECK_THAT(got, Contains(" 200 OK") && Contains("Connection: close"));
  }
}

TEST_CASE("a request whose answer has begun at a reload is followed by one under the new rules") {
  House house;
  const Fd client = house.client(house.get_request());
  const Fd server = house.accepted();
  send_all(server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
  std::string got;
  REQUIRE(house.until([&] { return (got += receive_now(client).bytes).ends_with("\r\n\r\no"); }));
  house.reload(deny_all);
  send_all(server, "k");
  CHECK(house.receive(client, 1) == "k");
  send_all(client, house.get_request());
  CHECK(parse_answer(house.receive(client)).status == 403);
}

TEST_CASE("a load balancer's clients follow the rules of a reload") {
  House house(with([](Config& config) {
    config.listen = {ListenConfig()};
    config.listen[0].proxy_protocol = true;
    config.load_balancers = {*Cidr::parse("127.0.0.1")};
    config.allow_clients = {*Cidr::parse("10.1.0.0/16")};
  }));
  const std::string header = "PROXY TCP4 10.1.2.3 10.1.2.4 40000 3128\r\n";
  const Fd silent = house.client();
  const Fd half = house.client(header.substr(0, 20));
  const Fd named = house.client(header);
  REQUIRE(house.until([&] { return house.shared.connections == 3; }));
  settle(house.worker->loop(), 5);

  SECTION("of the same balancer") {
    house.reload([](Config& config) { config.allow_clients = {*Cidr::parse("10.2.0.0/16")}; });
    send_all(silent, header + house.connect_request(house.target_port));
    send_all(half, header.substr(20) + house.connect_request(house.target_port));
    send_all(named, house.connect_request(house.target_port));
    for (const Fd* const client : {&silent, &half, &named}) {
      const Answer answer = parse_answer(house.receive(*client));
      CHECK(answer.status == 403);
      CHECK_THAT(answer.reason, Contains("10.1.2.3"));
    }
  }
  SECTION("of one that is not believed any more") {
    house.reload([](Config& config) { config.load_balancers = {*Cidr::parse("127.0.0.2")}; });
    CHECK(house.receive(named).empty());
    send_all(silent, header);
    CHECK(house.receive(silent).empty());
  }
}

TEST_CASE("many clients at once, each with a tunnel of its own") {
  House house;
  constexpr std::size_t kClients = 100;
  std::vector<SocketPair> tunnels;
  for (std::size_t i = 0; i < kClients; ++i) tunnels.push_back(house.tunnel());
  for (std::size_t i = 0; i < kClients; ++i) send_all(tunnels[i].far, std::to_string(i));
  for (std::size_t i = 0; i < kClients; ++i) {
    CHECK(house.receive(tunnels[i].near, std::to_string(i).size()) == std::to_string(i));
  }
  tunnels.clear();
  CHECK(house.until([&] { return house.shared.connections == 0; }));
}

TEST_CASE("the facts of a worker's sessions, each of which ends by its id") {
  House house;
  std::vector<SocketPair> tunnels;
  for (int i = 0; i < 5; ++i) tunnels.push_back(house.tunnel());
  const Fd silent = house.client();
  settle(house.worker->loop(), 5);
  const std::vector<SessionFacts> facts = house.sessions();
  // The silent client has no request.
  REQUIRE(facts.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(facts[i].id == i + 1);
    CHECK(facts[i].target == "127.0.0.1:" + std::to_string(house.target_port));
    CHECK(facts[i].upstream == "direct");
    CHECK(facts[i].stage == SessionStage::tunnel);
  }

  CHECK_FALSE(house.worker->end_session(6));
  CHECK_FALSE(house.worker->end_session(17));
  CHECK(house.worker->end_session(2));
  CHECK(house.until([&] { return receive_now(tunnels[1].far).error == ECONNRESET; }));
  CHECK(house.until([&] { return receive_now(tunnels[1].near).error == ECONNRESET; }));
  CHECK(house.sessions().size() == 4);
  CHECK_FALSE(house.worker->end_session(2));
}

TEST_CASE("facts are told to whoever asked while others were gathered, and to the last of them") {
  House house;
  const SocketPair tunnel = house.tunnel();
  std::string told;
  house.worker->gather(false, [&](WorkerFacts facts, std::vector<SessionFacts> sessions) {
    told += 'a';
    CHECK(facts.tunnels == 1);
    CHECK(sessions.empty());
    for (const char name : {'b', 'c'}) {
      house.worker->gather(true, [&told, name](WorkerFacts, std::vector<SessionFacts> all) {
        told += name;
        CHECK(all.size() == 1);
      });
    }
  });
  CHECK(house.until([&] { return told == "abc"; }));
}

TEST_CASE("a tunnel that waits for an answer is stalled, until something comes or it ends") {
  Config config;
  config.stall_after = 300ms;
  House house(std::move(config));
  const StallReporter& stalls = house.worker->stalls();
  const SocketPair idle = house.tunnel();
  SocketPair asking = house.tunnel();
  const SocketPair greeting = house.tunnel();
  send_all(asking.far, std::string(300, 'x'));
  send_all(greeting.near, std::string(300, 'x'));
  CHECK(stalls.stalled_now() == 0);
  REQUIRE(house.until([&] { return stalls.stalled_now() > 0; }));
  CHECK(stalls.stalled_now() == 1);
  CHECK(stalls.stalled_total() == 1);
  const std::vector<SessionFacts> facts = house.sessions();
  REQUIRE(facts.size() == 3);
  for (const SessionFacts& each : facts) {
    CHECK((each.state == SessionFacts::State::stalled) == (each.id == 2));
    CHECK(each.stall.has_value() == (each.id == 2));
  }
  const SessionStall& stall = *facts[1].stall;
  CHECK(stall.side == Side::upstream);
  CHECK(stall.what == Idleness::does_not_send);
  CHECK_THAT(stall.text, Contains("the target has sent nothing for ") &&
                             Contains(", since 300 bytes went to it; rtt "));

  SECTION("an answer") {
    send_all(asking.near, "answer");
    CHECK(house.until([&] { return stalls.stalled_now() == 0; }));
    CHECK(stalls.stalled_total() == 1);
  }
  SECTION("its end") {
    asking = {};
    CHECK(house.until([&] { return stalls.stalled_now() == 0; }));
  }
  SECTION("the administrator's end") {
    CHECK(house.worker->end_session(2));
    CHECK(stalls.stalled_now() == 0);
  }
  SECTION("nobody wants to know any more") {
    house.reload([](Config& now) { now.stall_after = 0ms; });
    CHECK(stalls.stalled_now() == 0);
    // And again.
    house.reload([](Config& now) { now.stall_after = 300ms; });
    CHECK(house.until([&] { return stalls.stalled_now() == 1; }));
    CHECK(stalls.stalled_total() == 2);
  }
}

TEST_CASE("a client that does not take what has come holds its tunnel up") {
  Config config;
  config.stall_after = 300ms;
  House house(std::move(config));
  const SocketPair tunnel = house.tunnel();
  const std::string much(1 << 20, 'x');
  // As much as the buffers take, all the way.
  REQUIRE(house.until([&] {
    return send(tunnel.near.get(), much.data(), much.size(), MSG_DONTWAIT) < 0 &&
           house.worker->stalls().stalled_now() == 1;
  }));
  const std::vector<SessionFacts> facts = house.sessions();
  REQUIRE(facts.size() == 1);
  REQUIRE(facts[0].stall);
  CHECK(facts[0].stall->side == Side::client);
  CHECK(facts[0].stall->what == Idleness::does_not_read);
  CHECK(facts[0].waiting_for_client > 0);
  CHECK_THAT(facts[0].stall->text, Contains("the client (127.0.0.1:") &&
                                       Contains(" has not read for ") &&
                                       Contains(" in the kernel; rtt "));
  CHECK(house.until([&] {
    receive_now(tunnel.far);
    return house.worker->stalls().stalled_now() == 0;
  }));
}

TEST_CASE("a request that fails is kept by its worker") {
  House house;
  const Fd client = house.client(house.connect_request(closed_port()));
  CHECK_THAT(house.receive(client), Contains(" refused "));
  CHECK(house.until([&] { return house.worker->failures().last() == 1; }));
  std::vector<FailedRequest> failed;
  house.worker->failures().copy_since(0, failed);
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].outcome == "connection_refused");
  CHECK_THAT(failed[0].explanation, Contains(" refused the connection"));
}

namespace {

/// Two ways out, a and b, that are the same, balanced so.
Config balanced(Balance balance) {
  Config config;
  for (const char* name : {"a", "b"}) {
    config.upstreams.push_back(direct());
    config.upstreams.back().name = name;
  }
  config.default_route = {0, 1};
  config.default_tiers = {{2, balance}};
  return config;
}

UpstreamLoad::Now load_of(const House& house, std::size_t index) {
  return house.ruleset->shared[index].load->now();
}

}  // namespace

TEST_CASE("tunnels are spread over the upstreams, and counted until they end") {
  House house(balanced(Balance::least));
  std::vector<SocketPair> tunnels;
  for (int i = 0; i < 4; ++i) tunnels.push_back(house.tunnel());
  CHECK(load_of(house, 0).open == 2);
  CHECK(load_of(house, 1).open == 2);
  tunnels.clear();
  CHECK(house.until([&] { return house.shared.connections == 0; }));
  CHECK(load_of(house, 0).open == 0);
  CHECK(load_of(house, 1).open == 0);
}

TEST_CASE("a plain request counts until its answer is there, not the connection that is kept") {
  House house(balanced(Balance::least));
  const auto open = [&] { return load_of(house, 0).open + load_of(house, 1).open; };
  const Fd client = house.client(house.get_request());
  const Fd server = house.accepted();
  CHECK(house.until([&] { return open() == 1; }));
  send_all(server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  CHECK(house.receive(client, 1).size() >= 1);
  CHECK(house.until([&] { return open() == 0; }));
  CHECK(house.shared.connections == 1);
}

TEST_CASE("idle tunnels are told from busy ones, and how fast they move bytes") {
  House house(balanced(Balance::fastest));
  const SocketPair one = house.tunnel();
  const SocketPair other = house.tunnel();
  const std::size_t of_one = load_of(house, 0).open == 1 ? 0 : 1;
  const auto loads = [&] { return std::pair(load_of(house, 0), load_of(house, 1)); };
  REQUIRE(loads().first.open + loads().second.open == 2);
  CHECK(loads().first.active + loads().second.active == 2);
  // One goes on sending, and the other is silent.
  const std::string block(64 * 1024, 'x');
  const auto moves = [&](auto done) {
    return house.until([&] {
      send_all(one.near, block);
      while (!receive_now(one.far).bytes.empty()) {
      }
      return done();
    });
  };
  const auto active = [&] { return loads().first.active + loads().second.active; };
  const auto rate = [&] { return loads().first.rate + loads().second.rate; };
  CHECK(moves([&] { return active() == 1 && rate() > 0; }));
  CHECK(house.ruleset->shared[of_one].load->pace().connect);
  CHECK(std::max(house.ruleset->shared[0].load->pace().rate,
                 house.ruleset->shared[1].load->pace().rate) > 0);
  // Then nothing moves in any.
  CHECK(house.until([&] { return active() == 0 && rate() == 0; }));
  SECTION("a byte, and it is busy again") {
    send_all(other.far, "x");
    CHECK(house.until([&] { return active() == 1; }));
  }
  SECTION("a reload after which nobody wants to know") {
    house.reload([](Config& now) { now.default_tiers = {{2, Balance::order}}; });
    CHECK(active() == 2);
  }
  SECTION("the worker's end") {
    house.worker->abort_all();
    CHECK(loads().first.open + loads().second.open == 0);
    house.worker.reset();
    house.ruleset->shared[0].load->begin();
    house.ruleset->shared[1].load->begin();
    CHECK(active() == 2);
  }
}

TEST_CASE("which tunnels are needed is seen from what goes through them, or still may") {
  House house;
  const auto at_tunnel = [&](std::size_t tunnel) {
    house.reload([&](Config& config) { config.upstreams[0].tunnel = tunnel; });
  };
  CHECK(tunnels_used(house) == 0);
  at_tunnel(3);
  SocketPair first = house.tunnel();
  CHECK(tunnels_used(house) == tunnel_bit(3));
  at_tunnel(1);
  SocketPair second = house.tunnel();
  CHECK(tunnels_used(house) == (tunnel_bit(1) | tunnel_bit(3)));
  first.far.reset();
  first.near.reset();
  REQUIRE(house.until([&] { return tunnels_used(house) == tunnel_bit(1); }));

  // A request that has begun to arrive goes by what was in force then.
  const std::string request = house.connect_request(house.target_port);
  Fd late = house.client(request.substr(0, 10));
  REQUIRE(house.until([&] { return house.worker->shared().connections == 2; }));
  settle(house.worker->loop(), 5);
  CHECK(tunnels_used(house) == tunnel_bit(1));
  at_tunnel(0);
  CHECK(tunnels_used(house) == kAllTunnels);
  send_all(late, request.substr(10));
  CHECK(house.receive(late, kEstablished.size()) == kEstablished);
  CHECK(tunnels_used(house) == tunnel_bit(1));
  Fd(accept(house.target.get(), nullptr, nullptr)).reset();
  late.reset();
  second.far.reset();
  second.near.reset();
  REQUIRE(house.until([&] { return tunnels_used(house) == 0; }));
}

TEST_CASE("an upstream that leaves and comes back has what still goes through it to do") {
  House house(balanced(Balance::least));
  std::vector<SocketPair> tunnels;
  for (int i = 0; i < 4; ++i) tunnels.push_back(house.tunnel());
  const Config both = house.ruleset->config;
  house.reload([](Config& now) {
    now.upstreams.pop_back();
    now.default_route = {0};
    now.default_tiers = {{1, Balance::least}};
  });
  house.reload([](Config& now) { now.stall_after = 1min; });
  CHECK(load_of(house, 0).open == 2);
  house.reload([&](Config& now) { now = both; });
  CHECK(load_of(house, 0).open == 2);
  CHECK(load_of(house, 1).open == 2);
  // Once nothing does, it begins anew.
  tunnels.clear();
  CHECK(house.until([&] { return house.shared.connections == 0; }));
  CHECK(load_of(house, 1).open == 0);
}
