// What an idle client's TLS holds, and that it works without what was freed.
#include "net/spent_session.h"

#include <malloc.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "support/catch.h"
#include "support/tls_pair.h"

using namespace culvert;
using namespace culvert::test;

namespace {

// From 3.2 on, the session stays.
bool is_new_openssl() { return OpenSSL_version_num() >= 0x30200000UL; }

// All but some 200 bytes are OpenSSL's: of 3.0 7.5 KiB are its SSL, 2.1 KiB the two ciphers.
std::size_t most(bool certified) {
  if (is_new_openssl()) return (certified ? 32 : 24) * std::size_t{1024};
  return 12 * std::size_t{1024};
}

RawTlsClient::Options with_certificate() {
  RawTlsClient::Options options;
  options.certificate = authority().issue("alice");
  return options;
}

}  // namespace

TEST_CASE("an idle TLS client holds little memory, with a certificate or without") {
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  constexpr std::size_t kClients = 100;
  const bool certified = GENERATE(false, true);
  RawTlsClient::Options options = certified ? with_certificate() : RawTlsClient::Options();
  options.version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  CAPTURE(certified, options.version);
  const auto context = server_context({proxy_files()}, certified ? authority().file() : "");
  std::vector<std::unique_ptr<TlsTalk>> talks;
  for (std::size_t i = 0; i < kClients; ++i) {
    talks.push_back(std::make_unique<TlsTalk>(*context, options));
    TlsTalk& talk = *talks.back();
    REQUIRE(talk.shake_hands());
    talk.server->forget_handshake();
    // Bulk, and then nothing.
    talk.client->write(std::string(40'000, 'x'));
    CHECK(talk.server_reads(40'000).size() == 40'000);
    CHECK(talk.server->try_write(std::string(40'000, 'y')).bytes == 40'000);
    CHECK(talk.client_reads(40'000).size() == 40'000);
    char buffer[1];
    CHECK(talk.server->try_read(buffer).status == Io::Status::would_block);
  }
  const std::size_t with = mallinfo2().uordblks;
  for (const auto& talk : talks) talk->server.reset();
  const std::size_t each = (with - mallinfo2().uordblks) / kClients;
  CAPTURE(each);
  CHECK(each <= most(certified));
#endif
}

TEST_CASE("RFC 8446 E.1: the secret of a key exchange does not outlive the handshake") {
  const auto context = server_context({proxy_files()});
  TlsTalk talk(*context, {.version = TLS1_3_VERSION});
  REQUIRE(talk.shake_hands());
  // The client's, as it can be asked.
  SSL* ssl = talk.client->ssl();
  const auto has_secret = [&] {
    EVP_PKEY* key = nullptr;
    REQUIRE(SSL_get_tmp_key(ssl, &key) == 1);
    // Of X25519MLKEM768, which OpenSSL 3.5 has, some 2,400 bytes.
    unsigned char secret[4096];
    std::size_t size = sizeof secret;
    const int found = EVP_PKEY_get_raw_private_key(key, secret, &size);
    EVP_PKEY_free(key);
    return found == 1;
  };
  REQUIRE(has_secret());
  forget_key_exchange(ssl);
  CHECK_FALSE(has_secret());
  talk.client->write("ping");
  CHECK(talk.server_reads(4) == "ping");
}

TEST_CASE("a connection goes on without its session: new keys, records of each size, an end") {
  RawTlsClient::Options options = with_certificate();
  options.version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const auto context = server_context({proxy_files()}, authority().file());
  TlsTalk talk(*context, options);
  REQUIRE(talk.shake_hands());
  CHECK(talk.server->client_name() == "alice");
  talk.server->forget_handshake();
  CHECK(talk.server->client_name().empty() != is_new_openssl());
  for (int i = 0; i < 3; ++i) {
    if (options.version == TLS1_3_VERSION) {
      REQUIRE(SSL_key_update(talk.client->ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
    }
    talk.client->write("ping");
    CHECK(talk.server_reads(4) == "ping");
    talk.client->received.clear();
    CHECK(talk.server->try_write(std::string(30'000, 'p')).bytes == 30'000);
    CHECK(talk.client_reads(30'000).size() == 30'000);
  }
  talk.client->received.clear();
  CHECK(talk.server->shutdown_write().status == Io::Status::ok);
  CHECK(talk.client_reads(1) == "(end)");
  SSL_shutdown(talk.client->ssl());
  CHECK(talk.server_reads(1) == "(eof)");
  CHECK_FALSE(talk.server->truncated());
}

TEST_CASE("RFC 6066 4: a limit of record sizes stays in force") {
  const auto context = server_context({proxy_files()});
  RawTlsClient::Options options;
  options.version = TLS1_2_VERSION;
  TlsTalk talk(*context, options);
  SSL_set_tlsext_max_fragment_length(talk.client->ssl(), TLSEXT_max_fragment_length_512);
  REQUIRE(talk.shake_hands());
  talk.server->forget_handshake();
  CHECK(talk.server->try_write(std::string(2000, 'p')).bytes == 2000);
  CHECK(talk.client_reads(2000).size() == 2000);
}
