#include "codec/tls_opening.h"

#include <string>

#include "support/catch.h"
#include "support/client_hello.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::string_literals;

namespace {

bool recognised(std::string_view bytes) {
  TlsOpening opening;
  opening.feed(bytes);
  return opening.recognised();
}

const std::string kHello = "\x16\x03\x01\x02\x00\x01"s;

}  // namespace

TEST_CASE("TLS is recognised by its hello, in any pieces") {
  CHECK(recognised(kHello));
  CHECK(recognised("\x16\x03\x03\x00\x7a\x02 and more"s));
  CHECK(recognised("\x16\x03\x00\x40\x00\x01"s));  // SSL 3, the longest record
  TlsOpening opening;
  for (const char c : kHello) {
    CHECK_FALSE(opening.recognised());
    opening.feed({&c, 1});
    opening.feed({});
  }
  CHECK(opening.recognised());
  opening.feed("GET / HTTP/1.1");
  CHECK(opening.recognised());
}

TEST_CASE("what is not TLS is not taken for it") {
  CHECK_FALSE(recognised(""));
  CHECK_FALSE(recognised(kHello.substr(0, 5)));
  CHECK_FALSE(recognised("GET / HTTP/1.1"));
  CHECK_FALSE(recognised("\x15\x03\x01\x00\x02\x02"s));  // an alert
  CHECK_FALSE(recognised("\x17\x03\x01\x02\x00\x01"s));
  CHECK_FALSE(recognised("\x16\x02\x01\x02\x00\x01"s));
  CHECK_FALSE(recognised("\x16\x03\x05\x02\x00\x01"s));
  CHECK_FALSE(recognised("\x16\x03\x01\x41\x00\x01"s));
  CHECK_FALSE(recognised("\x16\x03\x01\x02\x00\x03"s));
  // Once it is something else it stays so.
  TlsOpening opening;
  opening.feed("x");
  opening.feed(kHello);
  CHECK_FALSE(opening.recognised());
}

TEST_CASE("an answer in HTTP is known by its opening, in any pieces") {
  const auto is_http = [](std::string_view bytes, bool in_pieces) {
    TlsOpening opening;
    if (!in_pieces) opening.feed(bytes);
    for (const char& c : in_pieces ? bytes : std::string_view()) opening.feed({&c, 1});
    CHECK_FALSE(opening.recognised());
    return opening.is_http_answer();
  };
  const bool in_pieces = GENERATE(false, true);
  CHECK(is_http("HTTP/1.1 400 Bad Request", in_pieces));
  CHECK(is_http("HTTP/1.", in_pieces));
  CHECK_FALSE(is_http("HTTP/1", in_pieces));
  CHECK_FALSE(is_http("HTTP/2 200", in_pieces));
  CHECK_FALSE(is_http("HHTTP/1.1", in_pieces));
  CHECK_FALSE(is_http("GET / HTTP/1.1", in_pieces));
  CHECK_FALSE(is_http("\x16HTTP/1.1", in_pieces));
  CHECK_FALSE(is_http("\x16\x03HTTP/1.1", in_pieces));
  CHECK_FALSE(is_http("", in_pieces));
}

TEST_CASE("a ClientHello without ChaCha20 is known by its cipher suites, in one piece") {
  const auto offers_none = [](const std::string& suites, std::size_t session_id = 32) {
    TlsOpening opening;
    opening.feed(client_hello(suites, session_id));
    CHECK(opening.recognised());
    return opening.offers_no_chacha20();
  };
  // As docker's library, and as Go itself has it.
  const std::string docker =
      "\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30\xc0\x09\xc0\x13\xc0\x0a\xc0\x14\x13\x01\x13\x02\x13\x03"s;
  CHECK(offers_none(docker));
  CHECK(offers_none(docker, 0));
  CHECK(offers_none("\xc0\x30"s));
  CHECK_FALSE(offers_none(docker + "\xcc\xa8"s));
  CHECK_FALSE(offers_none("\xcc\xa9" + docker));
  // Of TLS 1.3 alone nothing follows.
  CHECK_FALSE(offers_none("\x13\x01\x13\x02"s));
  CHECK_FALSE(offers_none(""));

  const std::string hello = client_hello(docker);
  for (std::size_t size = 0; size < hello.size(); ++size) {
    TlsOpening cut;
    cut.feed(hello.substr(0, size));
    cut.feed(hello.substr(size));
    CHECK(cut.recognised());
    // All but the compression methods have to be there, or nothing yet.
    CHECK(cut.offers_no_chacha20() == (size == 0 || size >= hello.size() - 2));
  }
  TlsOpening server;
  std::string answer = hello;
  answer[5] = 2;
  server.feed(answer);
  CHECK(server.recognised());
  CHECK_FALSE(server.offers_no_chacha20());
}

TEST_CASE("Go is known by its cipher suites: those of TLS 1.3 come last") {
  const auto of_go = [](const std::string& suites) {
    TlsOpening opening;
    opening.feed(client_hello(suites));
    CHECK(opening.recognised());
    return opening.is_of_go();
  };
  const std::string old = "\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30\xcc\xa9\xcc\xa8\xc0\x13"s;
  const std::string tls13 = "\x13\x01\x13\x02\x13\x03"s;
  CHECK(of_go(old + tls13));
  CHECK(of_go("\xc0\x30\x13\x01"s));
  CHECK_FALSE(of_go(tls13 + old));                // BoringSSL, NSS, rustls
  CHECK_FALSE(of_go(tls13 + old + "\x00\xff"s));  // OpenSSL
  CHECK_FALSE(of_go("\x8a\x8a"s + tls13));        // GREASE
  CHECK_FALSE(of_go(old));
  CHECK_FALSE(of_go(tls13));
  CHECK_FALSE(of_go("\x13\x01"s));
  CHECK_FALSE(of_go(""));

  const std::string hello = client_hello(old + tls13);
  for (std::size_t size = 1; size < hello.size(); ++size) {
    TlsOpening cut;
    cut.feed(hello.substr(0, size));
    cut.feed(hello.substr(size));
    CHECK(cut.is_of_go() == (size >= hello.size() - 2));
  }
}
