// What is agreed on with a client: certificate, version, protocol, resumption, and who it is.
#include "net/tls_server_context.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.h"
#include "support/tls_pair.h"

using namespace culvert;
using namespace culvert::test;
using Catch::Matchers::Contains;

namespace {

constexpr std::array kVersions = {TLS1_2_VERSION, TLS1_3_VERSION};

/// The common name of the certificate that a client gets.
std::string served(const TlsServerContext& context, const RawTlsClient::Options& options) {
  TlsTalk talk(context, options);
  if (!talk.shake_hands()) return "(" + talk.client->failure + ")";
  char name[100] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(talk.client->ssl())),
                            NID_commonName, name, sizeof name);
  return name;
}

RawTlsClient::Options asking_for(const std::string& name) {
  RawTlsClient::Options options;
  options.name = name;
  return options;
}

/// A client that has resumed one session after another, as long as it could.
struct Returning {
  explicit Returning(RawTlsClient::Options given) : options(std::move(given)) {}
  /// Whether it came back with the session of last time.
  bool comes_back(const TlsServerContext& context) {
    TlsTalk talk(context, options, session.get());
    if (!talk.shake_hands()) throw std::runtime_error(talk.client->failure);
    name = talk.server->client_name();
    // The ticket of TLS 1.3 is read with the first bytes.
    static_cast<void>(talk.server->try_write(std::string("hello")));
    CHECK(talk.client_reads(5) == "hello");
    session = talk.client->session();
    return talk.client->resumed();
  }
  RawTlsClient::Options options;
  std::shared_ptr<SSL_SESSION> session;
  std::string name;
};

}  // namespace

TEST_CASE("RFC 6066 3: the certificate is the one for the name, or else the first") {
  const TlsAuthority::Certificate wild{.common_name = "wild", .names = {"*.wild.example"}};
  const auto context =
      server_context({authority().issue("first.example"), authority().issue("second.example"),
                      authority().issue(wild)});
  CHECK(served(*context, asking_for("first.example")) == "first.example");
  CHECK(served(*context, asking_for("second.example")) == "second.example");
  CHECK(served(*context, asking_for("any.wild.example")) == "wild");
  RawTlsClient::Options other = asking_for("other.example");
  CHECK_THAT(served(*context, other), Contains("certificate verify failed"));
  other.trust.clear();
  CHECK(served(*context, other) == "first.example");
}

TEST_CASE("versions before TLS 1.2 are refused with a reason") {
  const auto context = server_context({proxy_files()});
  RawTlsClient::Options options;
  for (const int version : kVersions) {
    options.version = version;
    CHECK(served(*context, options) == "proxy.example");
  }
  options.version = TLS1_1_VERSION;
  TlsTalk talk(*context, options);
  CHECK_FALSE(talk.shake_hands());
  CHECK(talk.client->failure == "tlsv1 alert protocol version");
  CHECK(talk.error().code == Errc::tls_protocol_error);
  CHECK_THAT(talk.error().text, Contains("TLS 1.2 or newer is needed"));
}

TEST_CASE("AES-128 is chosen unless the client asks for ChaCha20 first") {
  struct Row {
    int version;
    const char* offered;
    std::string chosen;
  };
  const Row row = GENERATE(
      Row{TLS1_3_VERSION, nullptr, "TLS_AES_128_GCM_SHA256"},
      Row{TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
          "TLS_CHACHA20_POLY1305_SHA256"},
      Row{TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256",
          "TLS_CHACHA20_POLY1305_SHA256"},
      Row{TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"},
      Row{TLS1_2_VERSION, nullptr, "ECDHE-ECDSA-AES128-GCM-SHA256"},
      Row{TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256",
          "ECDHE-ECDSA-CHACHA20-POLY1305"},
      Row{TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"});
  CAPTURE(row.version, row.offered == nullptr ? "" : row.offered);
  RawTlsClient::Options options;
  options.version = row.version;
  options.ciphers = row.offered;
  const auto context = server_context({proxy_files()});
  TlsTalk talk(*context, options);
  REQUIRE(talk.shake_hands());
  CHECK(SSL_get_cipher_name(talk.client->ssl()) == row.chosen);
}

TEST_CASE("RFC 7301: HTTP/1.1 is agreed on, and a client that wants only another ends") {
  const auto context = server_context({proxy_files()});
  RawTlsClient::Options options;
  const auto chosen = [&] {
    TlsTalk talk(*context, options);
    if (!talk.shake_hands()) return talk.client->failure + "/" + talk.error().text;
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(talk.client->ssl(), &name, &size);
    return std::string(reinterpret_cast<const char*>(name), size);
  };
  CHECK(chosen().empty());
  options.protocols = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  CHECK(chosen() == "http/1.1");
  options.protocols = {2, 'h', '2'};
  CHECK_THAT(chosen(), Contains("tlsv1 alert no application protocol/") && Contains("(ALPN)"));
}

TEST_CASE("sessions are resumed by ticket, over a reload as well") {
  RawTlsClient::Options options;
  options.version = GENERATE(from_range(kVersions));
  const auto context = server_context({proxy_files(), authority().issue("second.example")});
  options.name = GENERATE(as<std::string>(), "proxy.example", "second.example");
  CAPTURE(options.version, options.name);
  Returning client(options);
  CHECK_FALSE(client.comes_back(*context));
  CHECK(client.comes_back(*context));
  CHECK(client.comes_back(*context));
  CHECK(SSL_CTX_sess_number(context->get()) == 0);
  const auto reloaded = server_context({proxy_files(), authority().issue("second.example")});
  SECTION("with the keys") {
    reloaded->set_ticket_keys(context->ticket_keys());
    CHECK(client.comes_back(*reloaded));
  }
  SECTION("without") { CHECK_FALSE(client.comes_back(*reloaded)); }
}

TEST_CASE("a client certificate is asked for, and says who the client is, resumed or not") {
  RawTlsClient::Options options;
  options.version = GENERATE(from_range(kVersions));
  options.certificate = authority().issue("alice");
  const auto context = server_context({proxy_files()}, authority().file());
  Returning client(options);
  CHECK_FALSE(client.comes_back(*context));
  CHECK(client.name == "alice");
  CHECK(client.comes_back(*context));
  CHECK(client.name == "alice");
  SECTION("a ticket from before other CAs were asked for is none") {
    const TlsAuthority other;
    const auto reloaded = server_context({proxy_files()}, other.file());
    reloaded->set_ticket_keys(context->ticket_keys());
    CHECK_THROWS(client.comes_back(*reloaded));
  }
  SECTION("nor is one from a listener that asks for no certificate") {
    const auto open = server_context({proxy_files()});
    open->set_ticket_keys(context->ticket_keys());
    RawTlsClient::Options nobody;
    nobody.version = options.version;
    Returning stranger(nobody);
    CHECK_FALSE(stranger.comes_back(*open));
    CHECK(stranger.comes_back(*open));
    // TLS 1.3 tells a client only after its own end of the handshake.
    TlsTalk talk(*context, nobody, stranger.session.get());
    CHECK_FALSE(talk.shake_hands());
    CHECK(talk.error().code == Errc::tls_certificate_error);
  }
}

TEST_CASE("a client certificate that is missing or not accepted is told to both sides") {
  const auto context = server_context({proxy_files()}, authority().file());
  const TlsAuthority other("another CA");
  RawTlsClient::Options options;
  options.version = GENERATE(from_range(kVersions));
  const auto failed = [&](const TlsAuthority::Files& certificate) {
    options.certificate = certificate;
    TlsTalk talk(*context, options);
    CHECK_FALSE(talk.shake_hands());
    CHECK(talk.error().code == Errc::tls_certificate_error);
    CHECK(talk.error().side == Side::client);
    return talk.error().text + talk.client_reads(1);
  };
  CHECK_THAT(failed({}), Contains("the client sent no certificate, which client-ca"));
  CHECK_THAT(failed(other.issue("mallory")),
             Contains("of a CA that is not in client-ca, 'another CA'") && Contains("unknown ca"));
  CHECK_THAT(failed(authority().issue("alice", true)),
             Contains("a certificate that has expired on ") && Contains("certificate expired"));
  CHECK_THAT(failed(other.own_files()), Contains("self-signed"));
}

TEST_CASE("every file that cannot be used is a problem, all at once") {
  std::vector<std::string> problems;
  CHECK(TlsServerContext::make(
            {{{"/none.pem", "/none.key"}, {"/more.pem", "/more.key"}}, "/ca.pem"}, problems) ==
        nullptr);
  CHECK(problems.size() == 5);
  CHECK(problems.back() == "client-ca: cannot read /ca.pem: No such file or directory");
  problems.clear();
  const TlsAuthority::Files files = proxy_files();
  CHECK(TlsServerContext::make({{{files.cert, files.key}}, files.key}, problems) == nullptr);
  CHECK(problems ==
        std::vector<std::string>{"client-ca: " + files.key + " holds no certificate in PEM form"});
}

TEST_CASE("client-ca is read once, so that sessions and clients go by the same CAs") {
  const TempDir dir;
  const std::string ca = dir.path("ca.pem");
  std::ofstream(ca) << std::ifstream(authority().file()).rdbuf();
  const Fd watch(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  REQUIRE(inotify_add_watch(watch.get(), ca.c_str(), IN_OPEN) >= 0);
  const auto context = server_context({proxy_files(), authority().issue("second.example")}, ca);
  alignas(inotify_event) std::array<char, 4096> events;
  CHECK(read(watch.get(), events.data(), events.size()) ==
        static_cast<ssize_t>(sizeof(inotify_event)));
}

TEST_CASE("client-ca may name several CAs, and a damaged or missing one is a problem") {
  const TempDir dir;
  const TlsAuthority other("another CA");
  const std::string ca = dir.path("ca.pem");
  const std::vector<std::string> in_file = {authority().file(), other.file(), other.file()};
  for (const std::string& file : in_file) {
    std::ofstream(ca, std::ios::app) << std::ifstream(file).rdbuf();
  }
  const auto context = server_context({proxy_files()}, ca);
  CHECK(sk_X509_NAME_num(SSL_CTX_get_client_CA_list(context->get())) == 2);
  for (const TlsAuthority* issuer : {&authority(), &other}) {
    RawTlsClient::Options options;
    options.certificate = issuer->issue("alice");
    TlsTalk talk(*context, options);
    CHECK(talk.shake_hands());
  }
  const auto problem = [&] {
    std::vector<std::string> problems;
    const TlsAuthority::Files files = proxy_files();
    CHECK(TlsServerContext::make({{{files.cert, files.key}}, ca}, problems) == nullptr);
    return problems.at(0);
  };
  std::ofstream(ca, std::ios::app)
      << "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  CHECK(problem() == "client-ca: a certificate in " + ca + " is damaged");
  REQUIRE(unlink(ca.c_str()) == 0);
  REQUIRE(mkfifo(ca.c_str(), 0600) == 0);
  CHECK_THAT(problem(), Contains("client-ca: cannot read " + ca + ": a pipe"));
}

namespace {

std::atomic<std::int64_t> minutes;

}  // namespace

TEST_CASE("without a key a ticket is not sealed by what is none, but the handshake fails") {
  RawTlsClient::Options options;
  options.version = GENERATE(from_range(kVersions));
  const auto context = server_context({proxy_files()});
  context->set_ticket_keys(std::make_shared<TicketKeys>(
      TicketKeys::Clock::now, [](std::span<unsigned char>) { return false; }));
  TlsTalk talk(*context, options);
  CHECK_FALSE(talk.shake_hands());
  CHECK(talk.result.status == Io::Status::error);
}

TEST_CASE("threads serve with one context while its ticket keys rotate") {
  const auto context = server_context({proxy_files(), authority().issue("second.example")});
  minutes = 0;
  context->set_ticket_keys(std::make_shared<TicketKeys>(
      [] { return TicketKeys::Clock::time_point(std::chrono::minutes(minutes)); }));
  std::atomic<int> resumed = 0;
  std::atomic<int> failed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      RawTlsClient::Options options;
      if (i == 1) options.name = "second.example";
      options.version = kVersions[static_cast<std::size_t>(i % 2)];
      std::shared_ptr<SSL_SESSION> session;
      for (int round = 0; round < 20; ++round) {
        minutes += 10;
        TlsTalk talk(*context, options, session.get());
        if (!talk.shake_hands()) ++failed;
        talk.server->forget_handshake();
        static_cast<void>(talk.server->try_write(std::string("hello")));
        if (talk.client_reads(5) != "hello") ++failed;
        if (talk.client->resumed()) ++resumed;
        session = talk.client->session();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failed == 0);
  CHECK(resumed > 0);
}
