#include "codec/tls_answer.h"

#include <string>

#include "support/catch.h"
#include "support/client_hello.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::string_literals;

TEST_CASE("a ServerHello is known by its record's header and its type") {
  const std::string answer = GENERATE("\x16\x03\x03\x00\x7a\x02"s, "\x16\x03\x00\x40\x00\x02"s);
  for (std::size_t size = 0; size < answer.size(); ++size) {
    CHECK(judge_tls_answer(answer.substr(0, size)) == TlsAnswer::incomplete);
  }
  CHECK(judge_tls_answer(answer) == TlsAnswer::server_hello);
  CHECK(judge_tls_answer(answer + "HTTP/1.1 400") == TlsAnswer::server_hello);
}

TEST_CASE("an alert is a TLS server's, too") {
  const std::string alert = GENERATE("\x15\x03\x01\x00\x02\x02\x28"s,   // handshake_failure
                                     "\x15\x03\x03\x00\x02\x01\x70"s);  // unrecognized_name
  CHECK(judge_tls_answer(alert.substr(0, 5)) == TlsAnswer::incomplete);
  CHECK(judge_tls_answer(alert) == TlsAnswer::alert);
}

TEST_CASE("what no TLS server says first") {
  CHECK(judge_tls_answer(
            GENERATE("H"s, "HTTP/1.1 400 Bad Request\r\n"s, "SSH-2.0-OpenSSH_9.2"s, "\x05\x00"s,
                     "\x00"s, "\x16\x02"s, "\x16\x03\x05"s, "\x16\x03\x03\x41"s,
                     "\x16\x03\x03\x00\x7a\x01"s, "\x15\x03\x03\x01"s, "\x15\x03\x03\x00\x1a"s,
                     "\x15\x03\x03\x00\x02\x03"s, "\x17\x03\x03"s)) == TlsAnswer::other);
}

TEST_CASE("an echo of the ClientHello is not an answer to it") {
  CHECK(judge_tls_answer(client_hello("\x13\x01")) == TlsAnswer::other);
}
