#include "base/host_port.h"

#include <string>

#include "support/catch.h"

using namespace culvert;

TEST_CASE("authorities are read and written in one spelling") {
  struct Row {
    const char* text;
    const char* canonical;
    bool literal;
  };
  const auto row = GENERATE(values<Row>({
      {"gcr.io:443", "gcr.io:443", false},
      {"GCR.io:443", "gcr.io:443", false},
      {"gcr.io.:443", "gcr.io:443", false},
      {"localhost:1", "localhost:1", false},
      {"my_host-1.svc:65535", "my_host-1.svc:65535", false},
      {"xn--bcher-kva.example:80", "xn--bcher-kva.example:80", false},
      {"1password.com:443", "1password.com:443", false},
      {"1.2.3.4.example:443", "1.2.3.4.example:443", false},
      {"0xabc.example:443", "0xabc.example:443", false},
      {"0xyz:443", "0xyz:443", false},
      {"192.0.2.1:80", "192.0.2.1:80", true},
      {"192.0.2.1.:80", "192.0.2.1:80", true},
      {"[2001:DB8::0:1]:443", "[2001:db8::1]:443", true},
      {"[::ffff:192.0.2.1]:443", "[::ffff:192.0.2.1]:443", true},
      {"gcr.io:0443", "gcr.io:443", false},
  }));
  CAPTURE(row.text);
  const auto parsed = HostPort::parse(row.text);
  REQUIRE(parsed.ok());
  CHECK(parsed->to_string() == row.canonical);
  CHECK(parsed->ip.has_value() == row.literal);
  if (row.literal) CHECK(parsed->ip->to_string() == parsed->host);
  CHECK(*HostPort::parse(parsed->authority()) == *parsed);
}

TEST_CASE("a final dot is kept for look-ups and for what is sent on, and shown nowhere") {
  const HostPort plain = HostPort::parse("gcr.io:443").value();
  CHECK(plain.full_name() == "gcr.io");
  CHECK(plain.authority() == "gcr.io:443");
  HostPort dotted = HostPort::parse("GCR.io.:443").value();
  CHECK(dotted.host == plain.host);
  CHECK(dotted.to_string() == "gcr.io:443");
  CHECK(shown_target(dotted) == "gcr.io:443");
  CHECK(dotted.full_name() == "gcr.io.");
  CHECK(dotted.authority() == "gcr.io.:443");
  CHECK(HostPort::from("gcr.io.", 443).value() == dotted);
  // An object that is used again keeps nothing of it.
  const char* const next = GENERATE("gcr.io:443", "192.0.2.1.:443", "[2001:db8::1]:443");
  REQUIRE(dotted.assign(next).ok());
  CHECK_FALSE(dotted.absolute);
  CHECK(dotted.authority() == dotted.to_string());
}

TEST_CASE("a default port fills in for a missing or empty one") {
  CHECK(HostPort::parse("gcr.io", 80)->to_string() == "gcr.io:80");
  CHECK(HostPort::parse("gcr.io:", 80)->to_string() == "gcr.io:80");
  CHECK(HostPort::parse("gcr.io:443", 80)->to_string() == "gcr.io:443");
  CHECK(HostPort::parse("[::1]", 80)->to_string() == "[::1]:80");
  CHECK(HostPort::parse("[::1]:", 80)->to_string() == "[::1]:80");
  CHECK_FALSE(HostPort::parse("gcr.io").ok());
  CHECK_FALSE(HostPort::parse("gcr.io:").ok());
  CHECK_FALSE(HostPort::parse("[::1]").ok());
}

TEST_CASE("bad authorities are refused by name") {
  struct Row {
    std::string text;
    const char* reason;
  };
  using namespace std::string_literals;
  const auto row = GENERATE(values<Row>({
      {"", "port is missing"},
      {":443", "host is empty"},
      {".:443", "empty label"},
      {".gcr.io:443", "empty label"},
      {"gcr..io:443", "empty label"},
      {"gcr.io..:443", "empty label"},
      {std::string(254, 'a') + ":443", "longer than 253"},
      {"gcr.io:0", "1 to 65535"},
      {"gcr.io:65536", "1 to 65535"},
      {"gcr.io:443443", "1 to 65535"},
      {"gcr.io:4 3", "1 to 65535"},
      {"gcr.io:+443", "1 to 65535"},
      {"gcr.io:443 ", "1 to 65535"},
      {"gcr.io:https", "1 to 65535"},
      {"user@gcr.io:443", "user and password"},
      {"user:secret@gcr.io:443", "user and password"},
      {"gcr .io:443", "white space"},
      {" gcr.io:443", "white space"},
      {"gcr.io\t:443", "white space"},
      {"gcr.io\r\n:443", "white space"},
      {"gcr.io\0:443"s, "white space"},
      {"b\xc3\xbc"
       "cher.example:443",
       "non-ASCII"},
      {"gcr.io/:443", "characters"},
      {"gcr,io:443", "characters"},
      {"*.gcr.io:443", "characters"},
      {"%67cr.io:443", "'%'"},
      {"2001:db8::1:443", "stands in brackets"},
      {"::1:443", "stands in brackets"},
      {"a:b:443", "several ':'"},
      {"http://gcr.io:443", "several ':'"},
      {"[::1:443", "']' is missing"},
      {"[::1]443", "follows ']'"},
      {"[::1]x:443", "follows ']'"},
      {"[]:443", "no IPv6"},
      {"[gcr.io]:443", "no IPv6"},
      {"[192.0.2.1]:443", "no IPv6"},
      {"[fe80::1%25eth0]:443", "zones"},
      {"[fe80::1%eth0]:443", "zones"},
      {"127.1:443", "dotted quad"},
      {"127.1.:443", "dotted quad"},
      {"2130706433:443", "dotted quad"},
      {"0x7f000001:443", "dotted quad"},
      {"0x7f.1:443", "dotted quad"},
      {"127.0.0.0x1:443", "dotted quad"},
      {"0X:443", "dotted quad"},
      {"0177.0.0.1:443", "dotted quad"},
      {"1.2.3.4.5:443", "dotted quad"},
      {"256.0.0.1:443", "dotted quad"},
      {"example.1:443", "dotted quad"},
  }));
  CAPTURE(row.text);
  const auto parsed = HostPort::parse(row.text);
  REQUIRE_FALSE(parsed.ok());
  CHECK(parsed.error().code == Errc::http_request_error);
  CHECK(parsed.error().side == Side::client);
  CHECK_THAT(parsed.error().text, Catch::Matchers::Contains(row.reason));
  CHECK(parsed.error().text.find("secret") == std::string::npos);
  for (const char c : parsed.error().text) CHECK((c >= ' ' && c <= '~'));
}

TEST_CASE("what may be a password is not repeated") {
  for (const char* const text : {"u:secret", "u:secret@h:1", "u:1@secret,@h", "u:x:secret",
                                 "u:1,secret", "[u:secret", "http://u:secret@h", "u%3Asecret:1"}) {
    INFO(text);
    const auto parsed = HostPort::parse(text);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().text.find("secret") == std::string::npos);
  }
  CHECK(HostPort::parse("u:secret").error().text ==
        "bad address \"u:***\": the port is not a number from 1 to 65535");
}

TEST_CASE("a host and a port make one") {
  CHECK(HostPort::from("GCR.io", 443)->to_string() == "gcr.io:443");
  CHECK(HostPort::from("::1", 443)->to_string() == "[::1]:443");
  CHECK(HostPort::from("[::1]", 443)->to_string() == "[::1]:443");
  CHECK(HostPort::from("192.0.2.1", 443)->ip.has_value());
  CHECK_FALSE(HostPort::from("gcr.io", 0).ok());
  CHECK_FALSE(HostPort::from("gcr.io:443", 443).ok());
  CHECK_FALSE(HostPort::from("", 443).ok());
  CHECK_FALSE(HostPort::from("[", 443).ok());
  CHECK_FALSE(HostPort::from("[]", 443).ok());
}

TEST_CASE("a name of 253 bytes is the longest") {
  const std::string longest(253, 'a');
  CHECK(HostPort::from(longest, 1).ok());
  CHECK(HostPort::from(longest + ".", 1).ok());
  CHECK_FALSE(HostPort::from(longest + "a", 1).ok());
}

TEST_CASE("one that is used again holds nothing of what it held") {
  HostPort used = HostPort::parse("[2001:db8::1]:1").value();
  for (const char* text : {"a-rather-long-name.example:443", "192.0.2.1:80", "a.b.:2", "[::1]:3",
                           "another-rather-long.example:4", "192.0.2.2.:5", "c:6"}) {
    REQUIRE(used.assign(text).ok());
    CHECK(used == HostPort::parse(text).value());
    CHECK_FALSE(used.assign("no port").ok());
  }
}

TEST_CASE("this machine itself has many addresses, and one name") {
  for (const char* text : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1",
                           "localhost:1", "LOCALHOST.:1"}) {
    INFO(text);
    CHECK(HostPort::parse(text)->is_loopback());
  }
  for (const char* text : {"127.example:1", "0.0.0.0:1", "[::]:1", "128.0.0.1:1", "localhosts:1",
                           "host.docker.internal:1"}) {
    INFO(text);
    CHECK_FALSE(HostPort::parse(text)->is_loopback());
  }
}
