#include "base/ip_address.h"

#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

IpAddress ip(std::string_view text) {
  const auto parsed = IpAddress::parse(text);
  INFO(std::string(text));
  REQUIRE(parsed);
  return *parsed;
}

bool in(std::string_view block, std::string_view address) {
  const auto cidr = Cidr::parse(block);
  REQUIRE(cidr);
  return cidr->contains(ip(address));
}

}  // namespace

TEST_CASE("addresses are written by RFC 5952") {
  struct Row {
    const char* text;
    const char* canonical;
  };
  const auto row = GENERATE(values<Row>({
      {"0.0.0.0", "0.0.0.0"},
      {"192.0.2.1", "192.0.2.1"},
      {"255.255.255.255", "255.255.255.255"},
      {"::", "::"},
      {"::1", "::1"},
      {"1::", "1::"},
      {"2001:DB8::0001", "2001:db8::1"},
      {"2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
      {"0:0:0:0:0:0:0:1", "::1"},
      {"1:0:0:0:0:0:0:0", "1::"},
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
      {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
      {"fe80::1", "fe80::1"},
      {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
      {"::ffff:c000:201", "::ffff:192.0.2.1"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"::1.2.3.4", "::102:304"},
      {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
  }));
  CHECK(ip(row.text).to_string() == row.canonical);
  CHECK(ip(ip(row.text).to_string()) == ip(row.text));
}

TEST_CASE("an address is made of the bytes that a wire carries, and gives them back") {
  const auto row = GENERATE(table<std::string, std::string>({
      {std::string("\xc0\0\x02\x01", 4), "192.0.2.1"},
      {std::string(4, '\0'), "0.0.0.0"},
      {std::string("\x20\x01\x0d\xb8") + std::string(11, '\0') + "\xff", "2001:db8::ff"},
      {std::string(10, '\0') + "\xff\xff\x0a\x01\x02\x03", "::ffff:10.1.2.3"},
  }));
  const auto& [octets, text] = row;
  const auto address = IpAddress::of_octets(octets);
  REQUIRE(address);
  CHECK(address->to_string() == text);
  CHECK(*address == ip(text));
  CHECK(address->octets() == octets);
}

TEST_CASE("no address has another number of bytes") {
  const auto size = GENERATE(range(0, 20));
  CAPTURE(size);
  const auto address = IpAddress::of_octets(std::string(static_cast<std::size_t>(size), '\1'));
  CHECK(address.has_value() == (size == 4 || size == 16));
}

TEST_CASE("what is no address is refused, shorthand IPv4 above all") {
  const auto text = GENERATE(values<std::string>({"",
                                                  ".",
                                                  ":",
                                                  ":::",
                                                  "1",
                                                  "127.1",
                                                  "127.0.1",
                                                  "0x7f.0.0.1",
                                                  "0177.0.0.1",
                                                  "127.0.0.01",
                                                  "00.0.0.0",
                                                  "1.2.3.4.",
                                                  ".1.2.3.4",
                                                  "1..2.3",
                                                  "1.2.3.4.5",
                                                  "256.1.1.1",
                                                  "1.2.3.1000",
                                                  "1.2.3.-4",
                                                  "+1.2.3.4",
                                                  " 1.2.3.4",
                                                  "1.2.3.4 ",
                                                  "1.2.3.a",
                                                  "2130706433",
                                                  "1:2:3:4:5:6:7",
                                                  "1:2:3:4:5:6:7:8:9",
                                                  "1::2::3",
                                                  "1:2:3:4:5:6:7:8::",
                                                  "::1:2:3:4:5:6:7:8",
                                                  "1:2:3:4::5:6:7:8",
                                                  "12345::",
                                                  "g::",
                                                  "::1%eth0",
                                                  "[::1]",
                                                  "1:2:3:4:5:6:7:1.2.3.4",
                                                  "::1.2.3",
                                                  "::1.2.3.256",
                                                  "::01.2.3.4",
                                                  "1.2.3.4::",
                                                  "1.2.3.4:5",
                                                  "::1:",
                                                  ":1::",
                                                  "1:",
                                                  "::-1",
                                                  "::+1",
                                                  "::0x1",
                                                  "::1 "}));
  CAPTURE(text);
  CHECK_FALSE(IpAddress::parse(text));
}

TEST_CASE("text with NUL bytes is no address") {
  using namespace std::string_view_literals;
  CHECK_FALSE(IpAddress::parse("1.2.3.4\0"sv));
  CHECK_FALSE(IpAddress::parse("::1\0"sv));
}

TEST_CASE("what one client has of the addresses") {
  CHECK(ip("192.0.2.1").of_one_client() == ip("192.0.2.1"));
  CHECK(ip("::ffff:192.0.2.1").of_one_client() == ip("192.0.2.1"));
  CHECK(ip("2001:db8:1:2:3:4:5:6").of_one_client() == ip("2001:db8:1:2::"));
  CHECK(ip("::1").of_one_client() == ip("::1"));
}

TEST_CASE("mapped addresses unmap and no others") {
  CHECK(ip("::ffff:192.0.2.1").unmapped() == ip("192.0.2.1"));
  CHECK(ip("::192.0.2.1").unmapped() == ip("::192.0.2.1"));
  CHECK(ip("::fffe:192.0.2.1").unmapped() == ip("::fffe:192.0.2.1"));
  CHECK(ip("1::ffff:1.2.3.4").unmapped() == ip("1::ffff:1.2.3.4"));
  CHECK(ip("192.0.2.1").unmapped() == ip("192.0.2.1"));
}

TEST_CASE("an address knows which kind it is") {
  for (const char* text : {"127.0.0.1", "127.255.0.3", "::1", "::ffff:127.0.0.1"}) {
    CAPTURE(text);
    CHECK(ip(text).is_loopback());
  }
  for (const char* text : {"128.0.0.1", "::2", "1::1", "::ffff:126.0.0.1"}) {
    CAPTURE(text);
    CHECK_FALSE(ip(text).is_loopback());
  }
  for (const char* text : {"169.254.169.254", "fe80::1", "febf::1", "::ffff:169.254.1.1"}) {
    CAPTURE(text);
    CHECK(ip(text).is_link_local());
  }
  for (const char* text : {"169.253.1.1", "fec0::1", "fe00::1"}) {
    CAPTURE(text);
    CHECK_FALSE(ip(text).is_link_local());
  }
  for (const char* text : {"0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"}) {
    CAPTURE(text);
    CHECK(ip(text).is_unspecified());
  }
  CHECK_FALSE(ip("1.0.0.0").is_unspecified());
  CHECK_FALSE(ip("::1").is_unspecified());
  for (const char* text : {"224.0.0.1", "239.255.255.255", "ff02::1"}) {
    CAPTURE(text);
    CHECK(ip(text).is_multicast());
  }
  CHECK_FALSE(ip("240.0.0.1").is_multicast());
  CHECK_FALSE(ip("fe02::1").is_multicast());
}

TEST_CASE("blocks contain the addresses of their prefix") {
  CHECK(in("10.0.0.0/8", "10.255.255.255"));
  CHECK_FALSE(in("10.0.0.0/8", "11.0.0.0"));
  CHECK(in("172.16.0.0/12", "172.31.255.255"));
  CHECK_FALSE(in("172.16.0.0/12", "172.32.0.0"));
  CHECK(in("0.0.0.0/0", "255.1.2.3"));
  CHECK_FALSE(in("0.0.0.0/0", "2001:db8::1"));
  CHECK(in("192.0.2.1", "192.0.2.1"));
  CHECK_FALSE(in("192.0.2.1", "192.0.2.2"));
  CHECK(in("2001:db8::/32", "2001:db8:ffff::"));
  CHECK_FALSE(in("2001:db8::/32", "2001:db9::"));
  CHECK(in("fe80::/10", "febf::1"));
  CHECK_FALSE(in("fe80::/10", "fec0::1"));
  CHECK(in("::/0", "2001:db8::1"));
  CHECK_FALSE(in("::/0", "192.0.2.1"));
  CHECK(in("::1/128", "::1"));
}

TEST_CASE("mapped addresses are compared as IPv4") {
  CHECK(in("10.0.0.0/8", "::ffff:10.1.2.3"));
  CHECK(in("::ffff:10.0.0.0/104", "10.1.2.3"));
  CHECK(in("::ffff:10.0.0.0/104", "::ffff:10.1.2.3"));
  CHECK_FALSE(in("::ffff:10.0.0.0/104", "11.1.2.3"));
}

TEST_CASE("malformed blocks are refused, with host bits set too") {
  const auto text = GENERATE(
      values<std::string>({"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/-1",
                           "10.0.0.0/8 ", "10.0.0.0/8/8", "10.0.0.1/8", "10.0.0.0/+8", "::/129",
                           "::1/127", "2001:db8::1/32", "x/8", "10.0.0.0/1000", "10.0.0.0/0x8"}));
  CAPTURE(text);
  CHECK_FALSE(Cidr::parse(text));
}

TEST_CASE("blocks are written with their prefix") {
  CHECK(Cidr::parse("10.0.0.0/8")->to_string() == "10.0.0.0/8");
  CHECK(Cidr::parse("192.0.2.1")->to_string() == "192.0.2.1/32");
  CHECK(Cidr::parse("2001:DB8::/32")->to_string() == "2001:db8::/32");
}
