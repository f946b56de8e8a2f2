#include "dial/upstream_protocol.h"

#include <string>

#include "support/catch.h"

using namespace culvert;
using namespace std::string_literals;
using Kind = UpstreamConfig::Kind;

namespace {

UpstreamConfig upstream(Kind kind) {
  UpstreamConfig config;
  config.kind = kind;
  return config;
}

/// The first message of a handshake; empty if there is none.
std::string first_message(Kind kind, HandshakePart part) {
  static const HostPort target = HostPort::parse("gcr.io:443").value();
  const auto handshake = make_handshake(upstream(kind), part, target, "");
  return handshake ? handshake->take_output() : "";
}

}  // namespace

TEST_CASE("what a kind of upstream means") {
  const auto of = [](Kind kind) { return protocol_of(upstream(kind)); };
  CHECK_FALSE(of(Kind::direct).has_proxy);
  for (const Kind kind : {Kind::socks5, Kind::socks4a, Kind::http, Kind::https}) {
    CHECK(of(kind).has_proxy);
    CHECK(of(kind).uses_tls == (kind == Kind::https));
    CHECK(of(kind).takes_absolute_form == (kind == Kind::http || kind == Kind::https));
    CHECK(of(kind).ipv4_only == (kind == Kind::socks4a));
  }
}

TEST_CASE("each kind has its handshake, and a part of it that may be done before the request") {
  const std::string socks5_request = "\x05\x01\x00\x03\x06gcr.io\x01\xbb"s;
  CHECK(first_message(Kind::direct, HandshakePart::whole) == "");
  CHECK(first_message(Kind::socks5, HandshakePart::whole) == "\x05\x01\x00"s);
  CHECK(first_message(Kind::socks5, HandshakePart::greeting) == "\x05\x01\x00"s);
  CHECK(first_message(Kind::socks5, HandshakePart::request) == socks5_request);
  for (const Kind kind : {Kind::socks4a, Kind::http, Kind::https}) {
    CHECK(first_message(kind, HandshakePart::greeting) == "");
    CHECK(first_message(kind, HandshakePart::whole) == first_message(kind, HandshakePart::request));
  }
  CHECK(first_message(Kind::socks4a, HandshakePart::whole).starts_with("\x04\x01"));
  CHECK(first_message(Kind::http, HandshakePart::whole).starts_with("CONNECT gcr.io:443 "));
  CHECK(first_message(Kind::https, HandshakePart::whole).starts_with("CONNECT gcr.io:443 "));
}

TEST_CASE("a target that cannot be expressed is refused before connecting") {
  const HostPort v6 = HostPort::parse("[2001:db8::1]:443").value();
  const HostPort v4 = HostPort::parse("192.0.2.1:443").value();
  CHECK(cannot_request(v6, upstream(Kind::socks4a)).has_value());
  CHECK_FALSE(cannot_request(v4, upstream(Kind::socks4a)).has_value());
  CHECK_FALSE(cannot_request(v6, upstream(Kind::socks5)).has_value());
}
