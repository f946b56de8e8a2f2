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
  CHECK(guess_protocol("PROXY TCP4 192.0.2.1") == kProxyProtocol);
  CHECK(guess_protocol("\r\n\r\n\0\r\nQUIT\n\x21"s) == kProxyProtocol);
  CHECK(guess_protocol("\r\n\r\n").empty());
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

TEST_CASE("a PROXY protocol header is no reply") {
  const char* expected =
      "answered in the PROXY protocol, not in HTTP - does the URL name the right protocol and "
      "port?";
  CHECK(why_not_http("PROXY TCP4 192.0.2.1") == expected);
  CHECK(why_not_http("\r\n\r\n\0\r\nQUIT\n\x21"s) == expected);
  CHECK(why_not_http("PROX").empty());
}

TEST_CASE("a reply that is not TLS is identified") {
  CHECK(why_not_tls("").empty());
  CHECK(why_not_tls("\x16").empty());
  CHECK(why_not_tls("\x15\x03\x01").empty());
  CHECK(why_not_tls("HTTP/1.1") == "does not speak TLS - write http://");
  CHECK(why_not_tls("\x05\xff") == "answers in SOCKS5, not in TLS - write socks5://");
  CHECK(why_not_tls("SSH-2.0-") ==
        "answers in SSH, not in TLS - does the URL name the right protocol and port?");
  CHECK(why_not_tls("220 mail") ==
        "does not speak TLS - write http:// if it is a plain HTTP proxy");
  CHECK(why_not_tls("\x16\x01") ==
        "does not speak TLS - write http:// if it is a plain HTTP proxy");
}

TEST_CASE("what a proxy speaks instead is what to write") {
  CHECK(other_protocol_clause("HTTP", "TLS") == "answers in TLS, not in HTTP - write https://");
  CHECK(other_protocol_clause("SOCKS5", "HTTP") ==
        "answers in HTTP, not in SOCKS5 - write http://");
  CHECK(other_protocol_clause("HTTP", "SOCKS4") ==
        "answers in SOCKS4, not in HTTP - write socks4a://");
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
