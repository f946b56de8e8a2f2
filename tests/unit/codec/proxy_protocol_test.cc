#include "codec/proxy_protocol.h"

#include <string>

#include "support/catch.h"
#include "support/cuts.h"

using namespace culvert;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

SocketEnd end(const char* ip, std::uint16_t port) { return {IpAddress::parse(ip).value(), port}; }

const std::string kBinary(kProxyBinaryOpening);
// 192.0.2.1:50001 to 10.0.0.1:3128
const std::string kAddresses4 = "\xc0\0\2\1\x0a\0\0\1\xc3\x51\x0c\x38"s;

/// Version 2, with the length that `after` has.
std::string binary(char command, char family, const std::string& after) {
  return kBinary + command + family + static_cast<char>(after.size() >> 8) +
         static_cast<char>(after.size()) + after;
}

std::string tlv(char type, const std::string& value) {
  return type + ""s + static_cast<char>(value.size() >> 8) + static_cast<char>(value.size()) +
         value;
}

/// Of a whole header, in front of other bytes; what is missing of it is missed.
ConnectionEnds ends_of(const std::string& bytes) {
  ConnectionEnds ends;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto partly = read_proxy_header(bytes.substr(0, size), ends);
    CAPTURE(size);
    REQUIRE(partly);
    REQUIRE_FALSE(*partly);
  }
  for (const char* const rest : {"", "x", "PROXY TCP4 1.1.1.1 "}) {
    const auto whole = read_proxy_header(bytes + rest, ends);
    REQUIRE(whole);
    CHECK(*whole == bytes.size());
  }
  return ends;
}

std::string mistake_in(const std::string& bytes) {
  ConnectionEnds ends;
  const auto read = read_proxy_header(bytes, ends);
  if (read) return *read ? "none" : "incomplete";
  CHECK(read.error().code == Errc::http_request_error);
  CHECK(read.error().side == Side::client);
  return read.error().text;
}

}  // namespace

TEST_CASE("a line of version 1 names both ends") {
  const ConnectionEnds v4 = ends_of("PROXY TCP4 192.0.2.1 10.0.0.1 50001 3128\r\n");
  CHECK(v4.client == end("192.0.2.1", 50001));
  CHECK(v4.reached == end("10.0.0.1", 3128));
  const ConnectionEnds v6 = ends_of("PROXY TCP6 2001:db8::1 ::ffff:10.0.0.1 0 65535\r\n");
  CHECK(v6.client == end("2001:db8::1", 0));
  CHECK(v6.reached == end("10.0.0.1", 65535));
}

TEST_CASE("a line of version 1 may say that the client is unknown") {
  for (const std::string line : {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff:f...f anything\r\n"}) {
    CHECK(ends_of(line) == ConnectionEnds{});
  }
  CHECK(ends_of("PROXY UNKNOWN " + std::string(91, 'f') + "\r\n") == ConnectionEnds{});
}

TEST_CASE("a line of version 1 has exactly one syntax") {
  const std::string line = GENERATE(
      "PROXY TCP4 192.0.2.1 10.0.0.1 50001\r\n", "PROXY TCP4 192.0.2.1 10.0.0.1 50001 3128 \r\n",
      "PROXY TCP4  192.0.2.1 10.0.0.1 50001 3128\r\n", "PROXY TCP4 192.0.2.1 10.0.0.1 50001 \r\n",
      "PROXY TCP4 192.0.2.01 10.0.0.1 50001 3128\r\n", "PROXY TCP4 ::1 ::1 50001 3128\r\n",
      "PROXY TCP6 192.0.2.1 10.0.0.1 50001 3128\r\n", "PROXY TCP4 a.example 10.0.0.1 1 3128\r\n",
      "PROXY TCP4 192.0.2.1 10.0.0.1 050001 3128\r\n", "PROXY TCP4 192.0.2.1 10.0.0.1 1 65536\r\n",
      "PROXY TCP4 192.0.2.1 10.0.0.1 -1 3128\r\n", "PROXY TCP4 192.0.2.1 10.0.0.1 1 3128\t\r\n",
      "PROXY tcp4 192.0.2.1 10.0.0.1 1 3128\r\n", "PROXY UDP4 192.0.2.1 10.0.0.1 1 3128\r\n",
      "PROXY \r\n", "PROXY  UNKNOWN\r\n", "PROXY UNKNOWNS\r\n");
  CAPTURE(line);
  CHECK_THAT(mistake_in(line), Contains("malformed PROXY protocol header: "));
}

TEST_CASE("a line of version 1 has at most 107 bytes") {
  CHECK(mistake_in("PROXY UNKNOWN " + std::string(92, 'f')) == "incomplete");
  CHECK_THAT(mistake_in("PROXY UNKNOWN " + std::string(93, 'f')), Contains("more than 107 bytes"));
  CHECK_THAT(mistake_in("PROXY UNKNOWN " + std::string(92, 'f') + "\r\n"),
             Contains("more than 107 bytes"));
}

TEST_CASE("version 2 names both ends, and may say more") {
  const std::string more = GENERATE(""s, tlv('\1', "http/1.1"), tlv('\4', std::string(300, '\0')),
                                    tlv('\xea', "\1vpce") + tlv('\4', ""));
  const ConnectionEnds v4 = ends_of(binary('\x21', '\x11', kAddresses4 + more));
  CHECK(v4.client == end("192.0.2.1", 50001));
  CHECK(v4.reached == end("10.0.0.1", 3128));
  const std::string ip6 = "\x20\1\x0d\xb8"s + std::string(11, '\0');
  const ConnectionEnds v6 =
      ends_of(binary('\x21', '\x21', ip6 + '\1' + ip6 + '\2' + "\xc3\x51\x0c\x38" + more));
  CHECK(v6.client == end("2001:db8::1", 50001));
  CHECK(v6.reached == end("2001:db8::2", 3128));
}

TEST_CASE("version 2 may speak of nobody, of a unix socket, or of the balancer itself") {
  CHECK(ends_of(binary('\x21', '\0', "")) == ConnectionEnds{});
  CHECK(ends_of(binary('\x21', '\0', tlv('\1', "h2"))) == ConnectionEnds{});
  CHECK(ends_of(binary('\x21', '\x31', std::string(216, '/'))) == ConnectionEnds{});
  // Of LOCAL nothing else counts.
  for (const char family : {'\0', '\x11', '\x12', '\x31', '\xff'}) {
    CHECK(ends_of(binary('\x20', family, kAddresses4)) == ConnectionEnds{});
  }
}

TEST_CASE("version 2 is refused if it is not about a connection, or malformed") {
  CHECK_THAT(mistake_in(binary('\x21', '\x12', kAddresses4)), Contains("datagram"));
  CHECK_THAT(mistake_in(binary('\x21', '\x41', kAddresses4)), Contains("unknown address family"));
  CHECK_THAT(mistake_in(binary('\x21', '\x10', kAddresses4)), Contains("unknown address family"));
  CHECK_THAT(mistake_in(binary('\x22', '\x11', kAddresses4)), Contains("unknown command"));
  CHECK_THAT(mistake_in(kBinary + '\x11'), Contains("neither version 1 nor 2"));
  CHECK_THAT(mistake_in(binary('\x21', '\x11', kAddresses4.substr(1))), Contains("too short"));
  CHECK_THAT(mistake_in(binary('\x21', '\x11', kAddresses4 + "\1\0"s)), Contains("cut off"));
  CHECK_THAT(mistake_in(binary('\x21', '\x11', kAddresses4 + "\1\0\1"s)), Contains("longer than"));
  CHECK(mistake_in(kBinary + "\x21\x11\x10\0"s) == "incomplete");
  CHECK_THAT(mistake_in(kBinary + "\x21\x11\x10\1"s), Contains("more than 4096 bytes"));
}

TEST_CASE("a checksum is checked if there is one") {
  std::string header = binary('\x21', '\x11', kAddresses4 + tlv('\3', "\x9a\xdd\x18\xea"s));
  CHECK(mistake_in(header) == "none");
  header[header.size() - 8] ^= 1;  // our port
  CHECK_THAT(mistake_in(header), Contains("checksum is wrong"));
  CHECK_THAT(mistake_in(binary('\x21', '\x11', kAddresses4 + tlv('\3', "123"))),
             Contains("4 bytes"));
}

TEST_CASE("bytes that no header begins with are told at once") {
  for (const char* const bytes : {"C", "GET / HTTP/1.1\r\n", "PRI * HTTP/2.0", "PROXIES", "\x16\3",
                                  "\5\1", "\r\n\r\n\r\n", " PROXY "}) {
    CAPTURE(bytes);
    CHECK(mistake_in(bytes) == "no PROXY protocol header came first");
    CHECK_FALSE(may_be_proxy_header(bytes));
  }
  CHECK(may_be_proxy_header("PRO"));
  CHECK(may_be_proxy_header("\r\n\r"));
}

TEST_CASE("what is written is read again") {
  const ConnectionEnds v4{end("192.0.2.1", 50001), end("10.0.0.1", 3128)};
  const ConnectionEnds v6{end("2001:db8::1", 1), end("2001:db8::2", 65535)};
  const ConnectionEnds mixed{end("192.0.2.1", 50001), end("2001:db8::2", 3128)};
  for (const ConnectionEnds& ends : {v4, v6, mixed}) {
    for (const auto version : {ProxyVersion::v1, ProxyVersion::v2}) {
      CHECK(ends_of(make_proxy_header(version, &ends)) == ends);
    }
  }
  CHECK(make_proxy_header(ProxyVersion::v1, &v4) == "PROXY TCP4 192.0.2.1 10.0.0.1 50001 3128\r\n");
  CHECK(make_proxy_header(ProxyVersion::v1, &mixed) ==
        "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 50001 3128\r\n");
  CHECK(make_proxy_header(ProxyVersion::v2, &v4) == binary('\x21', '\x11', kAddresses4));
}

TEST_CASE("the header of a connection of our own, and of a client without an address") {
  const ConnectionEnds unix_client{{}, end("10.0.0.1", 3128)};
  CHECK(make_proxy_header(ProxyVersion::v1, nullptr) == "PROXY UNKNOWN\r\n");
  CHECK(make_proxy_header(ProxyVersion::v1, &unix_client) == "PROXY UNKNOWN\r\n");
  CHECK(make_proxy_header(ProxyVersion::v2, nullptr) == binary('\x20', '\0', ""));
  CHECK(make_proxy_header(ProxyVersion::v2, &unix_client) == binary('\x20', '\0', ""));
}
