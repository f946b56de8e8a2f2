// A listening socket that there is only once, and the workers that share what it brings.
#include "server/entrance.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "server/worker.h"
#include "support/catch.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

/// Workers whose loops all turn in this thread, one unix socket for all of them, and a target.
struct House {
  explicit House(std::size_t count) : target(listen_on_loopback(target_port)) {
    Config config;
    config.listen = {ListenConfig()};
    config.upstreams = {direct()};
    config.log_level = Log::Level::error;
    config.hold = 0ms;
    const auto ruleset = std::make_shared<Ruleset>(
        std::move(config), std::vector<std::shared_ptr<const TlsClientContext>>(1));
    std::vector<Entrance*> entrances;
    for (std::size_t i = 0; i < count; ++i) {
      // One each, so that they can be counted.
      shared.push_back(std::make_unique<Shared>("", AccessOutput{access.fd(), nullptr}));
      workers.push_back(std::make_unique<Worker>(*shared.back(), ruleset, i, count,
                                                 std::vector<ListenSocket>(), [] {}));
      entrances.push_back(&workers.back()->add_entrance(0));
    }
    entrances[0]->open(ListenSocket::unix_path(path).value(), entrances);
  }

  std::size_t connections(std::size_t worker) const { return shared[worker]->connections; }
  void turn() {
    for (const auto& worker : workers) worker->loop().turn(0);
  }
  template <typename Done>
  [[nodiscard]] bool until(Done done) {
    return turn_until(workers[0]->loop(), [&] {
      turn();
      return done();
    });
  }

  Fd client(std::string_view bytes = {}) const {
    Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path.copy(to.sun_path, sizeof to.sun_path - 1);
    REQUIRE(connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    send_all(fd, bytes);
    return fd;
  }
  std::string connect_request() const {
    const std::string authority = "127.0.0.1:" + std::to_string(target_port);
    return "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n\r\n";
  }
  /// The status of the answer, without its end.
  int status(const Fd& fd) {
    std::string received;
    int error = 0;
    CHECK(until([&] {
      const Received now = receive_now(fd);
      received += now.bytes;
      error = now.error;
      return now.ended || now.error != 0 || received.find("\r\n\r\n") != std::string::npos;
    }));
    CHECK(error == 0);
    return parse_answer(received).status;
  }

  TempDir dir;
  std::string path = dir.path("culvert.sock");
  MemoryFile access;
  std::uint16_t target_port = 0;
  Fd target;
  std::vector<std::unique_ptr<Shared>> shared;
  std::vector<std::unique_ptr<Worker>> workers;
};

}  // namespace

TEST_CASE("connections of a socket that there is only once are spread evenly, however they come") {
  const bool slowly = GENERATE(false, true);
  CAPTURE(slowly);
  House house(4);
  std::vector<Fd> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(house.client());
    if (slowly) house.turn();
  }
  CHECK(house.until([&] {
    for (std::size_t i = 0; i < 4; ++i) {
      if (house.connections(i) != 10) return false;
    }
    return true;
  }));
}

TEST_CASE("whichever worker it is, a client is served") {
  House house(2);
  const Fd first = house.client(house.connect_request());
  const Fd second = house.client(house.connect_request());
  CHECK(house.status(first) == 200);
  CHECK(house.status(second) == 200);
  CHECK(house.connections(0) == 1);
  CHECK(house.connections(1) == 1);
}

TEST_CASE("the access log names the process of a unix socket's client, whichever worker it has") {
  House house(2);
  std::vector<Fd> clients;
  for (int i = 0; i < 2; ++i) clients.push_back(house.client("C"));
  CHECK(house.until([&] { return house.connections(0) == 1 && house.connections(1) == 1; }));
  clients.clear();
  const std::string line = " client=\"unix:uid=" + std::to_string(geteuid()) +
                           ",pid=" + std::to_string(getpid()) + "\" method=- ";
  CHECK(house.until([&] {
    const std::string text = house.access.text();
    const std::size_t first = text.find(line);
    return first != std::string::npos && text.find(line, first + 1) != std::string::npos;
  }));
}

TEST_CASE("who is no load balancer has the places of any client, who is one has no such limit") {
  const bool listed = GENERATE(false, true);
  std::uint16_t target_port = 0;
  const Fd target = listen_on_loopback(target_port);
  Config config;
  config.listen = {ListenConfig()};
  config.listen[0].proxy_protocol = true;
  config.load_balancers = {Cidr::parse(listed ? "127.0.0.0/8" : "10.0.0.0/8").value()};
  config.upstreams = {direct()};
  config.log_level = Log::Level::error;
  config.max_connections_per_client = 2;
  const auto ruleset = std::make_shared<Ruleset>(
      std::move(config), std::vector<std::shared_ptr<const TlsClientContext>>(1));
  Shared shared;
  Worker worker(shared, ruleset, 0, 1, {}, [] {});
  auto socket = ListenSocket::tcp({"127.0.0.1", 0, IpAddress::parse("127.0.0.1")}, false).value();
  const std::uint16_t port = socket.address().port;
  worker.add_entrance(0).open(std::move(socket));
  constexpr std::size_t kClients = 2 + UsageTable::kMostRefused + 5;
  std::vector<Fd> clients;
  for (std::size_t i = 0; i < kClients; ++i) clients.push_back(connect_to_loopback(port));
  const auto count_closed = [&] {
    return static_cast<std::size_t>(
        std::count_if(clients.begin(), clients.end(), [](const Fd& client) {
          const Received now = receive_now(client);
          return now.ended || now.error != 0;
        }));
  };
  const std::size_t most_closed = listed ? 0 : 5;
  CHECK(turn_until(worker.loop(), [&] {
    return shared.connections == kClients - most_closed && count_closed() == most_closed;
  }));
}

TEST_CASE("a single worker has all connections at once") {
  House house(1);
  std::vector<Fd> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(house.client());
  house.workers[0]->loop().turn(0);
  CHECK(house.connections(0) == 5);
}

TEST_CASE("clients in the queue of a shared socket when draining begins get a 503") {
  House house(2);
  const Fd first = house.client(house.connect_request());
  const Fd second = house.client(house.connect_request());
  house.workers[0]->drain();
  // By the worker that accepts: the other one may be gone.
  CHECK(house.connections(0) == 2);
  CHECK(house.status(first) == 503);
  CHECK(house.status(second) == 503);
}

TEST_CASE("what is dealt before draining begins gets its answer") {
  House house(2);
  const Fd client = house.client(house.connect_request());
  house.workers[0]->loop().turn(0);
  REQUIRE(house.connections(0) == 0);  // it is being handed to the other one
  // In the order of Server::on_signal().
  house.workers[0]->drain();
  house.workers[1]->loop().post([&] { house.workers[1]->drain(); });
  CHECK(house.status(client) == 503);
  CHECK(house.connections(0) == 0);
}

TEST_CASE("a connection that reaches a draining worker gets a 503") {
  House house(2);
  house.workers[1]->drain();
  const Fd client = house.client(house.connect_request());
  const Fd silent = house.client();
  CHECK(house.status(client) == 503);
}

TEST_CASE("what never reaches its worker is closed with it") {
  const std::size_t files = open_files();
  {
    House house(2);
    const Fd client = house.client(house.connect_request());
    house.workers[0]->loop().turn(0);
    REQUIRE(house.connections(0) == 0);
    house.workers.clear();
    const Received now = receive_now(client);
    CHECK((now.ended || now.error != 0));
  }
  CHECK(open_files() == files);
}

TEST_CASE("a shared socket's file goes when draining begins") {
  House house(2);
  CHECK(access(house.path.c_str(), F_OK) == 0);
  house.workers[0]->drain();
  CHECK(access(house.path.c_str(), F_OK) != 0);
}
