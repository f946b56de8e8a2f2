#include "codec/protocol_guess.h"

#include <string>

#include "support/catch.h"

using namespace culvert;
using namespace std::string_literals;

TEST_CASE("protocols are known by their first bytes") {
  CHECK(guess_protocol("HTTP/1.1 200 OK") == "HTTP");
  CHECK(guess_protocol("SSH-2.0-OpenSSH") == "SSH");
  CHECK(guess_protocol("\x16\x03\x01") == "TLS");
  CHECK(guess_protocol("\x15") == "TLS");
  CHECK(guess_protocol("\x05\xff") == "SOCKS5");
  CHECK(guess_protocol("\x00\x5b"s) == "SOCKS4");
  CHECK(guess_protocol("\x00\x59"s).empty());
  CHECK(guess_protocol("\x00"s).empty());
  CHECK(guess_protocol("").empty());
  CHECK(guess_protocol("HTTP").empty());
  CHECK(guess_protocol("220 smtp").empty());
}

TEST_CASE("a reply that is not HTTP is identified") {
  CHECK(why_not_http("HTTP/1.1 200 OK").empty());
  CHECK(why_not_http("HT").empty());
  CHECK(why_not_http("SS").empty());
  CHECK(why_not_http("").empty());
  CHECK(why_not_http("\x15\x03\x01") ==
        "answered in TLS, not in HTTP - does the URL name the right protocol and port?");
  CHECK(why_not_http("220 smtp") ==
        "did not answer in HTTP - does the URL name the right protocol and port?");
}

TEST_CASE("a prefix may still become known") {
  CHECK(may_become_known("H"));
  CHECK(may_become_known("HTTP"));
  CHECK(may_become_known("SSH"));
  CHECK(may_become_known(""));
  CHECK_FALSE(may_become_known("HTTP/"));
  CHECK_FALSE(may_become_known("HTML"));
  CHECK_FALSE(may_become_known("X"));
}
