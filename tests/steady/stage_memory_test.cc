// What a client connection takes of our memory in each of its stages: the bounds that the manual
// states.  The allocator is asked, so that no page of another test counts.
#include <malloc.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include <openssl/crypto.h>

#include "server/worker.h"
#include "support/catch.h"
#include "support/numbered_bytes.h"
#include "support/session_scene.h"
#include "support/tls_pair.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kClients = 100;

/// A worker, its clients, and a target that accepts in the kernel alone.
class Stages {
 public:
  explicit Stages(Config config = {}) : target_(listen_on_loopback(target_port_, 2 * kClients)) {
    if (config.upstreams.empty()) config.upstreams = {direct()};
    config.log_level = Log::Level::error;
    config.access_log = "off";
    const auto tls = std::vector<std::shared_ptr<const TlsClientContext>>(config.upstreams.size());
    config.listen.resize(1);
    const auto ruleset = std::make_shared<Ruleset>(std::move(config), tls,
                                                   std::vector{server_context({proxy_files()})});
    auto socket = ListenSocket::tcp({"127.0.0.1", 0, IpAddress::parse("127.0.0.1")}, false).value();
    port_ = socket.address().port;
    std::vector<ListenSocket> sockets;
    sockets.push_back(std::move(socket));
    worker_ = std::make_unique<Worker>(shared_, ruleset, 0, 1, std::move(sockets), [] {});
    clients_.reserve(kClients);
    targets_.reserve(kClients);
    add("");  // what is allocated once
  }
  ~Stages() {
    worker_->abort_all();
    CHECK(turn_until(worker_->loop(), [this] { return shared_.connections == 0; }));
  }

  std::string authority() const { return "127.0.0.1:" + std::to_string(target_port_); }
  std::string connect_request() const {
    return "CONNECT " + authority() + " HTTP/1.1\r\nHost: " + authority() + "\r\n\r\n";
  }
  std::string get_request() const {
    return "GET http://" + authority() + "/ HTTP/1.1\r\nHost: " + authority() + "\r\n\r\n";
  }

  /// Another client, which has sent `bytes`.
  void add(std::string_view bytes) {
    clients_.push_back(connect_to_loopback(port_));
    send_all(clients_.back(), bytes);
    turn();
  }
  /// The same over TLS; once it has the answer, if it asks for one, it holds no memory itself.
  void add_tls(int version, const std::string& request) {
    Fd socket = connect_to_loopback(port_);
    REQUIRE(fcntl(socket.get(), F_SETFL, O_NONBLOCK) == 0);
    RawTlsClient client(std::move(socket), {.version = version});
    REQUIRE(turn_until(worker_->loop(), [&] { return client.step(); }));
    if (!request.empty()) {
      client.write(request);
      REQUIRE(turn_until(worker_->loop(), [&] {
        client.read_now();
        return !client.received.empty();
      }));
    }
    turn();
    CHECK(client.failure.empty());
    clients_.push_back(std::move(client.fd()));
  }
  void turn() { ::culvert::test::settle(worker_->loop(), 20); }
  /// The target's end of the tunnel that was made last.
  void accept_at_target() { targets_.emplace_back(accept(target_.get(), nullptr, nullptr)); }
  int last_target() const { return targets_.back().get(); }
  std::size_t connections() const { return shared_.connections; }

 private:
  std::uint16_t target_port_ = 0;
  Fd target_;
  std::uint16_t port_ = 0;
  Shared shared_;
  std::unique_ptr<Worker> worker_;
  std::vector<Fd> clients_;
  std::vector<Fd> targets_;
};

/// Of the allocator, whatever it keeps for later.
std::size_t in_use() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

/// Bytes that each of many connections takes which `add` makes.
template <typename Add>
std::size_t growth(Stages& stages, Add add, std::size_t count = kClients - 10) {
  add();
  const std::size_t before = in_use();
  for (std::size_t i = 0; i < count; ++i) add();
  CHECK(stages.connections() >= count);
  const std::size_t after = in_use();
  UNSCOPED_INFO("bytes: " << (after > before ? (after - before) / count : 0));
  return after > before ? (after - before) / count : 0;
}

constexpr std::size_t kKiB = 1024;

/// Of which OpenSSL 3.0 takes 12 KiB with TLS 1.3, and 3.5 more.
std::size_t most_with_tls(std::size_t with_3_0) {
  return OpenSSL_version_num() < 0x30200000UL ? with_3_0 : 24 * kKiB;
}

}  // namespace

TEST_CASE("memory of a connection: nothing sent yet") {
  Stages stages;
  CHECK(growth(stages, [&] { stages.add(""); }) <= 3 * kKiB);
}

TEST_CASE("memory of a connection: within a head") {
  Stages stages;
  const std::string head = stages.connect_request() + "X: ";
  const std::string long_head = head.substr(0, head.size() - 5) + numbered_bytes(20'000, "\r\nX: ");
  CHECK(growth(stages, [&] { stages.add("CONNECT gcr.io:443 HT"); }) <= 3 * kKiB);
  CHECK(growth(stages, [&] { stages.add(long_head); }) <= 3 * kKiB + 2 * long_head.size());
}

TEST_CASE("memory of a connection: dialing") {
  Config config;
  Stages silent;  // the target of this one answers no CONNECT
  UpstreamConfig upstream = http();
  upstream.address = *HostPort::parse(silent.authority());
  config.upstreams = {upstream};
  Stages stages(config);
  CHECK(growth(stages, [&] { stages.add(stages.connect_request()); }) <= 6 * kKiB);
}

TEST_CASE("memory of a connection: an idle tunnel") {
  Config config;
  const bool paced = GENERATE(false, true);
  if (paced) config.bandwidth = 1 << 30;
  Stages stages(config);
  CHECK(growth(stages, [&] { stages.add(stages.connect_request()); }) <=
        (paced ? 2 * kKiB : 1 * kKiB));
}

TEST_CASE("memory of a connection: a TLS client that has sent no request yet") {
  Stages stages;
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  CAPTURE(version);
  CHECK(growth(stages, [&] { stages.add_tls(version, ""); }) <=
        most_with_tls(14 * kKiB + kKiB / 4));
}

TEST_CASE("memory of a connection: an idle tunnel of a TLS client") {
  Stages stages;
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  CAPTURE(version);
  const std::string request = stages.connect_request();
  CHECK(growth(stages, [&] { stages.add_tls(version, request); }) <=
        most_with_tls(13 * kKiB + kKiB / 4));
}

TEST_CASE("memory of a connection: a tunnel whose reader is slow") {
  Stages stages;
  const std::string bytes(4 << 20, 'x');
  const auto add = [&] {
    stages.add(stages.connect_request());
    stages.accept_at_target();
    // Until all buffers are full: then what was read last waits.
    for (int i = 0; i < 50; ++i) {
      send(stages.last_target(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      stages.turn();
    }
  };
  CHECK(growth(stages, add, 10) <= 80 * kKiB);
}

TEST_CASE("memory of a connection: a plain request that waits for its answer") {
  Stages stages;
  CHECK(growth(stages, [&] { stages.add(stages.get_request()); }) <= 8 * kKiB);
}

TEST_CASE("memory of a connection: refused") {
  Config config;
  config.max_requests_per_second = 1;
  Stages stages(config);
  stages.add(stages.connect_request());
  CHECK(growth(stages, [&] { stages.add(stages.connect_request()); }) <= 6 * kKiB);
}
