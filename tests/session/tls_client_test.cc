// Sessions whose client speaks TLS to us, from the first byte of its handshake to the end.
#include "session/tls_client.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/worker.h"
#include "support/catch.h"
#include "support/memory_file.h"
#include "support/session_scene.h"
#include "support/tls_pair.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

ListenConfig tls_listener(const TlsAuthority::Files& files, const std::string& client_ca = {}) {
  ListenConfig listen;
  listen.speaks = ListenConfig::Speaks::tls_only;
  listen.certificates = {{files.cert, files.key}};
  listen.client_ca = client_ca;
  return listen;
}

/// A worker with one TLS listener, and a target.
struct House {
  explicit House(
      const ListenConfig& listen = tls_listener(proxy_files()),
      const std::function<void(Config&)>& change = [](Config&) {})
      : target(listen_on_loopback(target_port)) {
    fcntl(target.get(), F_SETFL, O_NONBLOCK);
    config.listen = {listen};
    config.upstreams = {direct()};
    config.log_level = Log::Level::error;
    config.hold = 0ms;
    change(config);
    ruleset = make();
    worker = std::make_unique<Worker>(shared, ruleset, 0, 1, std::vector<ListenSocket>(),
                                      [this] { drained = true; });
    auto socket = ListenSocket::tcp({"127.0.0.1", 0, IpAddress::parse("127.0.0.1")}, false).value();
    port = socket.address().port;
    worker->add_entrance(0).open(std::move(socket));
  }
  std::shared_ptr<Ruleset> make() const {
    std::vector<std::string> problems;
    auto made = make_ruleset(config, problems);
    REQUIRE(problems.empty());
    return made;
  }
  void reload(const ListenConfig& listen) {
    config.listen = {listen};
    std::shared_ptr<Ruleset> fresh = make();
    fresh->keep_from(*ruleset);
    ruleset = fresh;
    worker->adopt(ruleset);
  }

  Fd connect() {
    Fd fd = connect_to_loopback(port);
    fcntl(fd.get(), F_SETFL, O_NONBLOCK);
    return fd;
  }
  template <typename Done>
  [[nodiscard]] bool until(Done done) {
    return turn_until(worker->loop(), done);
  }
  std::unique_ptr<RawTlsClient> client(const RawTlsClient::Options& options = {}) {
    auto out = std::make_unique<RawTlsClient>(connect(), options);
    CHECK(until([&] { return out->step(); }));
    return out;
  }
  /// Everything is gone that a client had.
  [[nodiscard]] bool is_empty() {
    return until([&] { return shared.connections == 0; });
  }
  std::string reads(RawTlsClient& client, std::size_t size) {
    CHECK(until([&] {
      client.read_now();
      return client.received.size() >= size || client.ended || !client.failure.empty();
    }));
    std::string out = std::exchange(client.received, {});
    if (client.ended) out += "(end)";
    if (!client.failure.empty()) out += "(" + client.failure + ")";
    return out;
  }
  std::string authority_text() const { return "127.0.0.1:" + std::to_string(target_port); }
  /// The target's end of the tunnel that `client` asks for.
  Fd tunnel(RawTlsClient& client) {
    client.write("CONNECT " + authority_text() + " HTTP/1.1\r\nHost: " + authority_text() +
                 "\r\n\r\n");
    CHECK(reads(client, 39) == "HTTP/1.1 200 Connection established\r\n\r\n");
    Fd fd(accept4(target.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    REQUIRE(fd.get() >= 0);
    return fd;
  }
  std::string target_reads(const Fd& fd, std::size_t size) {
    std::string out;
    CHECK(until([&] {
      const Received now = receive_now(fd);
      out += now.bytes;
      if (now.ended) out += "(fin)";
      if (now.error != 0) out += "(reset)";
      return out.size() >= size || now.ended || now.error != 0;
    }));
    return out;
  }
  /// Once no client is left, and there is a line about one.
  std::string log() {
    CHECK(until([&] { return shared.connections == 0 && !access.text().empty(); }));
    return access.text();
  }

  std::uint16_t target_port = 0;
  std::uint16_t port = 0;
  Fd target;
  MemoryFile access;
  Config config;
  Shared shared{"house", AccessOutput{access.fd(), nullptr}};
  std::shared_ptr<Ruleset> ruleset;
  std::unique_ptr<Worker> worker;
  bool drained = false;
};

/// The first bytes that a TLS client sends.
std::string client_hello() {
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()),
                                                             SSL_CTX_free);
  SSL* ssl = SSL_new(context.get());
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(ssl);
  SSL_do_handshake(ssl);
  std::string bytes(static_cast<std::size_t>(BIO_pending(SSL_get_wbio(ssl))), '\0');
  BIO_read(SSL_get_wbio(ssl), bytes.data(), static_cast<int>(bytes.size()));
  SSL_free(ssl);
  return bytes;
}

}  // namespace

TEST_CASE("a tunnel within TLS: bytes both ways, and each end by itself") {
  RawTlsClient::Options options;
  options.version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  House house;
  const auto client = house.client(options);
  const Fd target = house.tunnel(*client);
  client->write("ping");
  CHECK(house.target_reads(target, 4) == "ping");
  const std::string bulk(300'000, 'b');
  send_all(target, bulk.substr(0, 100'000));
  CHECK(house.reads(*client, 100'000).size() == 100'000);
  SECTION("the client ends first") {
    SSL_shutdown(client->ssl());
    CHECK(house.target_reads(target, 5) == "(fin)");
    send_all(target, "the rest");
    CHECK(house.reads(*client, 8) == "the rest");
    send_fin(target);
    CHECK(house.reads(*client, 1) == "(end)");
  }
  SECTION("the target ends first") {
    send_fin(target);
    CHECK(house.reads(*client, 1) == "(end)");
    client->write("still");
    CHECK(house.target_reads(target, 5) == "still");
    SSL_shutdown(client->ssl());
    CHECK(house.target_reads(target, 5) == "(fin)");
  }
  CHECK_THAT(house.log(),
             Contains("method=CONNECT") && Contains("outcome=ok") && !Contains("user="));
}

TEST_CASE("plain requests and SOCKS5 within TLS are served as without it") {
  House house;
  const auto client = house.client();
  SECTION("requests one after the other") {
    Fd target;
    for (int i = 0; i < 2; ++i) {
      client->write("GET http://" + house.authority_text() + "/x HTTP/1.1\r\nHost: a\r\n\r\n");
      if (i == 0) {
        CHECK(house.until([&] {
          target = Fd(accept4(house.target.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
          return target.get() >= 0;
        }));
      }
      CHECK_THAT(house.target_reads(target, 30), Contains("GET /x HTTP/1.1"));
      send_all(target, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
      CHECK_THAT(house.reads(*client, 60), Contains("200 OK") && Contains("hello"));
    }
  }
  SECTION("SOCKS5") {
    client->write(std::string("\x05\x01\x00", 3));
    CHECK(house.reads(*client, 2) == std::string("\x05\x00", 2));
    std::string request("\x05\x01\x00\x01\x7f\x00\x00\x01", 8);
    request += static_cast<char>(house.target_port >> 8);
    request += static_cast<char>(house.target_port & 0xff);
    client->write(request);
    CHECK(house.reads(*client, 10).substr(0, 2) == std::string("\x05\x00", 2));
  }
}

TEST_CASE("many requests without a sign-in within TLS are refused one in a turn") {
  House house(tls_listener(proxy_files()), [](Config& config) {
    std::vector<std::string> problems;
    config.users = std::make_shared<const PasswordFile>(PasswordFile::parse(
        "alice:$5$rounds=1000$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7", problems));
  });
  const auto client = house.client();
  const std::string request = "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n";
  std::string all;
  for (int i = 0; i < 100'000; ++i) all += request;
  std::string_view left = all;
  CHECK(house.until([&] {
    const int count = left.empty()
                          ? 0
                          : SSL_write(client->ssl(), left.data(),
                                      static_cast<int>(std::min<std::size_t>(left.size(), 16'384)));
    if (count > 0) left.remove_prefix(static_cast<std::size_t>(count));
    client->read_now();
    return client->ended || !client->failure.empty();
  }));
  CHECK_THAT(client->received, Contains("\r\nConnection: close\r\n"));
  CHECK(house.is_empty());
}

TEST_CASE("a client without TLS is told to write https://, in plain text") {
  House house;
  const Fd fd = house.connect();
  send_all(fd, "CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io\r\n\r\n");
  const std::string answer = house.target_reads(fd, 10'000);
  CHECK_THAT(answer, Contains("HTTP/1.1 400 culvert: this proxy port speaks TLS - write https://"));
  CHECK_THAT(house.log(), Contains("outcome=http_request_error") && Contains("status=400"));
}

TEST_CASE("a SOCKS client without TLS is refused in SOCKS, and the log says where it is served") {
  House house;
  const bool version5 = GENERATE(true, false);
  const Fd fd = house.connect();
  send_all(fd, version5 ? kSocks5Greeting : "\4\1\1\xbb\0\0\0\1\0gcr.io\0"s);
  const std::string answer = house.target_reads(fd, 100);
  CHECK(answer == (version5 ? "\5\xff(fin)" : "\0\x5b\0\0\0\0\0\0(fin)"s));
  CHECK_THAT(house.log(), Contains("outcome=http_request_error") &&
                              Contains("the client spoke SOCKS to ") &&
                              Contains("without https://"));
}

TEST_CASE("a plain listener with a certificate takes clients of both kinds") {
  ListenConfig listen = tls_listener(proxy_files());
  listen.speaks = ListenConfig::Speaks::any;
  House house(listen);
  const auto client = house.client();
  const Fd target = house.tunnel(*client);
  const Fd plain = house.connect();
  send_all(plain, "CONNECT nowhere HTTP/1.1\r\n\r\n");
  CHECK_THAT(house.target_reads(plain, 100), Contains("HTTP/1.1 400 "));
}

TEST_CASE("the certificate of a client is the user of its requests") {
  House house(tls_listener(proxy_files(), authority().file()));
  RawTlsClient::Options options;
  options.version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  options.certificate = authority().issue("alice");
  {
    const auto client = house.client(options);
    const Fd target = house.tunnel(*client);
  }
  CHECK_THAT(house.log(), Contains("user=alice") && Contains("method=CONNECT"));
}

TEST_CASE("who has shown a certificate and has to sign in is known by it until then") {
  std::vector<std::string> problems;
  const auto users = std::make_shared<const PasswordFile>(PasswordFile::parse(
      "bob:$5$rounds=1000$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7", problems));
  House house(tls_listener(proxy_files(), authority().file()),
              [&](Config& config) { config.users = users; });
  RawTlsClient::Options options;
  options.certificate = authority().issue("alice");
  {
    const auto client = house.client(options);
    client->write("CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n\r\n");
    CHECK_THAT(house.reads(*client, 12), Contains("HTTP/1.1 407"));
  }
  CHECK_THAT(house.log(), Contains("user=alice") && Contains("outcome=proxy_auth_required"));
}

TEST_CASE("a client without the certificate gets its alert, also if it goes on at once") {
  House house(tls_listener(proxy_files(), authority().file()));
  const auto client = std::make_unique<RawTlsClient>(house.connect(), RawTlsClient::Options());
  CHECK(house.until([&] {
    client->step();
    if (client->done() && client->received.empty()) {
      client->write(std::string(100'000, 'x'));
      return true;
    }
    return !client->failure.empty();
  }));
  CHECK_THAT(house.reads(*client, 1), Contains("certificate required"));
  client->fd().reset();
  CHECK_THAT(house.log(), Contains("outcome=tls_certificate_error") && Contains("status=0") &&
                              Contains("the client sent no certificate"));
}

TEST_CASE("a client that does not trust us leaves a line that says so") {
  const TlsAuthority other;
  House house;
  RawTlsClient::Options options;
  options.trust = other.file();
  { CHECK_THAT(house.client(options)->failure, Contains("certificate verify failed")); }
  CHECK_THAT(house.log(), Contains("outcome=tls_certificate_error") &&
                              Contains("does not accept the certificate of this proxy"));
}

TEST_CASE("a client that dies within its handshake leaves nothing behind") {
  House house;
  const std::size_t files = open_files();
  const std::string hello = client_hello();
  const std::size_t sent = GENERATE(as<std::size_t>(), 1, 5, 60, 10'000);
  const bool reset = GENERATE(false, true);
  CAPTURE(sent, reset);
  Fd fd = house.connect();
  send_all(fd, hello.substr(0, sent));
  CHECK(house.until([&] { return house.shared.connections == 1; }));
  settle(house.worker->loop(), 20);
  if (reset) {
    send_reset(fd);
  } else {
    fd.reset();
  }
  CHECK(house.is_empty());
  CHECK(open_files() == files);
  CHECK_THAT(house.log(), Contains("outcome=canceled") && Contains("stage=head"));
}

TEST_CASE("a client that gives way within its handshake leaves a line") {
  Scene scene;
  scene.listen = tls_listener(proxy_files());
  const auto context = server_context({proxy_files()});
  scene.listener.tls = context.get();
  scene.client.sends(client_hello().substr(0, 40));
  scene.start();
  settle(scene.loop, 20);
  scene.session->give_way();
  CHECK_THAT(scene.access_text(), Contains("outcome=aborted") && Contains("descriptors are short"));
}

TEST_CASE("a client that sends no more within its handshake is given up in time") {
  House house(tls_listener(proxy_files()), [](Config& config) { config.header_timeout = 50ms; });
  const std::string hello = client_hello();
  Fd fd = house.connect();
  send_all(fd, hello.substr(0, GENERATE(as<std::size_t>(), 1, 60, 10'000)));
  CHECK_THAT(house.log(), Contains("outcome=http_request_timeout") && Contains("status=0") &&
                              Contains("no complete TLS handshake within"));
}

TEST_CASE("what only begins like TLS is ended, with an alert") {
  House house;
  const Fd fd = house.connect();
  send_all(fd, std::string("\x16\x03\x01\x00\x05hello", 10));
  const std::string answer = house.target_reads(fd, 100);
  CHECK(answer.substr(0, 2) == "\x15\x03");
  CHECK_THAT(house.log(), Contains("outcome=tls_protocol_error"));
}

TEST_CASE("a reload while a handshake runs is for the next ones") {
  House house;
  auto early = std::make_unique<RawTlsClient>(house.connect(), RawTlsClient::Options());
  early->step();
  settle(house.worker->loop(), 20);
  const TlsAuthority::Files next = authority().issue("next.example");
  house.reload(tls_listener(next));
  CHECK(house.until([&] { return early->step(); }));
  const Fd target = house.tunnel(*early);
  RawTlsClient::Options options;
  CHECK_FALSE(house.client(options)->failure.empty());
  options.name = "next.example";
  CHECK(house.client(options)->failure.empty());
  early->write("ping");
  CHECK(house.target_reads(target, 4) == "ping");
}

TEST_CASE("a client of TLS that waits for a request follows the rules of a reload") {
  House house;
  const auto waiting = house.client();
  const auto early = std::make_unique<RawTlsClient>(house.connect(), RawTlsClient::Options());
  early->step();
  settle(house.worker->loop(), 20);
  std::string problem;
  house.config.routes = {{.text = "*=deny",
                          .patterns = {*TargetPattern::parse("*", problem)},
                          .presets = {},
                          .upstreams = {}}};
  house.reload(tls_listener(authority().issue("next.example")));
  CHECK(house.until([&] { return early->step(); }));
  for (RawTlsClient* const client : {waiting.get(), early.get()}) {
    client->write("CONNECT " + house.authority_text() + " HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK_THAT(house.reads(*client, 1'000'000), Contains("HTTP/1.1 403 ") && Contains("(end)"));
  }
}

TEST_CASE("a certificate that a client has shown is good for as long as its CAs stay") {
  House house(tls_listener(proxy_files(), authority().file()));
  RawTlsClient::Options options;
  options.certificate = authority().issue("builder-7");
  const auto waiting = house.client(options);
  house.reload(tls_listener(proxy_files(), authority().file()));
  Fd target = house.tunnel(*waiting);
  waiting->write("ping");
  CHECK(house.target_reads(target, 4) == "ping");
  send_fin(target);
  CHECK(house.reads(*waiting, 1) == "(end)");
  SSL_shutdown(waiting->ssl());
  CHECK_THAT(house.log(), Contains("user=builder-7"));
}

TEST_CASE("a client whose certificate is of other CAs after a reload has to begin anew") {
  House house(tls_listener(proxy_files(), authority().file()));
  const TlsAuthority other;
  const ListenConfig listener = tls_listener(proxy_files(), other.file());
  RawTlsClient::Options options;
  options.certificate = authority().issue("builder-7");
  const auto waiting = house.client(options);
  const auto tunnel = house.client(options);
  const Fd target = house.tunnel(*tunnel);
  house.reload(listener);
  CHECK(house.reads(*waiting, 1) == "(end)");
  tunnel->write("ping");
  CHECK(house.target_reads(target, 4) == "ping");
}

TEST_CASE("a drain waits for no handshake, and lets a tunnel end") {
  House house;
  const auto client = house.client();
  const Fd target = house.tunnel(*client);
  const Fd late = house.connect();
  send_all(late, client_hello().substr(0, 20));
  settle(house.worker->loop(), 20);
  house.worker->drain();
  CHECK(house.until([&] { return house.shared.connections == 1; }));
  send_fin(target);
  CHECK(house.reads(*client, 1) == "(end)");
  SSL_shutdown(client->ssl());
  CHECK(house.until([&] { return house.drained; }));
}

TEST_CASE("a tunnel that is cut ends in a reset, without a close_notify") {
  House house;
  const auto client = house.client();
  const Fd target = house.tunnel(*client);
  house.worker->abort_all();
  CHECK(house.reads(*client, 1) == "(closed)");
}

TEST_CASE("a tunnel that is lost in the middle of inner TLS ends within a record of that") {
  House house(tls_listener(proxy_files()),
              [](Config& config) { config.lost_tunnel = LostTunnel::eof; });
  const auto client = house.client();
  Fd target = house.tunnel(*client);
  client->write(client_hello());
  static_cast<void>(house.target_reads(target, client_hello().size()));
  send_all(target, std::string("\x16\x03\x03\x00\x7a\x02", 6));
  CHECK(house.reads(*client, 6).size() == 6);
  send_reset(target);
  CHECK(house.reads(*client, 100) == "\x17(end)");
}
