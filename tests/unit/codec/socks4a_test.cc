#include <string>

#include "codec/socks.h"
#include "support/catch.h"
#include "support/handshake_script.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

const std::string kGranted = "\x00\x5a\x00\x00\x00\x00\x00\x00"s;

Outcome run(std::string_view to, std::string_view user, const std::vector<std::string>& replies) {
  return play_all([&] { return make_socks4a_handshake(*HostPort::parse(to), user); }, replies);
}

}  // namespace

TEST_CASE("socks4a sends a name behind the marked address") {
  const Outcome outcome = run("gcr.io:443", "", {kGranted});
  CHECK(outcome.done);
  CHECK(outcome.sent ==
        std::vector<std::string>{"\x04\x01\x01\xbb\x00\x00\x00\x01\x00"s + "gcr.io\x00"s});
}

TEST_CASE("socks4a sends a name's final dot") {
  CHECK(run("gcr.io.:443", "", {kGranted}).sent[0] ==
        "\x04\x01\x01\xbb\x00\x00\x00\x01\x00"s + "gcr.io.\x00"s);
}

TEST_CASE("socks4a sends an IPv4 address as such and the user id") {
  CHECK(run("192.0.2.1:80", "bob", {kGranted}).sent[0] ==
        "\x04\x01\x00\x50\xc0\x00\x02\x01"
        "bob\x00"s);
}

TEST_CASE("socks4a never lets the user id pass for a host name") {
  CHECK(run("gcr.io:443", "bob\0evil.example"s, {kGranted}).sent[0] ==
        "\x04\x01\x01\xbb\x00\x00\x00\x01"
        "bob\x00"
        "gcr.io\x00"s);
}

TEST_CASE("socks4a leaves bytes behind the reply to the tunnel") {
  const Outcome outcome = run("gcr.io:443", "", {kGranted + "SSH-2.0"});
  CHECK(outcome.done);
  CHECK(outcome.rest == "SSH-2.0");
  // A server that repeats the 4 of its name is understood.
  CHECK(run("gcr.io:443", "", {"\x04\x5a\x01\xbb\x7f\x00\x00\x01"s}).done);
}

TEST_CASE("socks4a names the meaning of each reply code") {
  struct Row {
    int code;
    Errc errc;
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {91, Errc::destination_unavailable,
       "rejected or failed to reach gcr.io:443 (SOCKS4 reply 91)"},
      {92, Errc::upstream_auth_failed,
       "refused gcr.io:443 because it found no identd on this host (SOCKS4 reply 92)"},
      {93, Errc::upstream_auth_failed,
       "refused gcr.io:443 because identd names another user (SOCKS4 reply 93)"},
      {0, Errc::upstream_protocol_error,
       "answered for gcr.io:443 with an unknown code (SOCKS4 reply 0)"},
      {255, Errc::upstream_protocol_error,
       "answered for gcr.io:443 with an unknown code (SOCKS4 reply 255)"},
  }));
  for (const std::size_t length : {2U, 8U}) {
    std::string reply = kGranted;
    reply[1] = static_cast<char>(row.code);
    const Outcome outcome = run("gcr.io:443", "", {reply.substr(0, length)});
    REQUIRE(outcome.error);
    CHECK(outcome.error->code == row.errc);
    CHECK(outcome.error->text == row.text);
  }
}

TEST_CASE("socks4a distinguishes other protocols and closed connections") {
  const auto text = [](const std::string& answer) {
    const Outcome outcome = run("gcr.io:443", "", {answer});
    REQUIRE(outcome.error);
    CHECK(outcome.error->code == Errc::upstream_protocol_error);
    return outcome.error->text;
  };
  CHECK_THAT(text("\x05\xff"s), Contains("answered in SOCKS5"));
  CHECK_THAT(text("HTTP/1.1 400 Bad Request"), Contains("answered in HTTP"));
  CHECK_THAT(text("garbage"), Contains("did not answer in SOCKS4"));

  CHECK_THAT(run("gcr.io:443", "", {}).at_eof->text, Contains("instead of answering for gcr.io"));
  CHECK_THAT(run("gcr.io:443", "", {"\x00\x5a"s}).at_eof->text, Contains("in the middle of"));
}

TEST_CASE("socks4a cannot express IPv6 addresses and reports it beforehand") {
  const auto refusal = socks4a_refuses(*HostPort::parse("[2001:db8::1]:443"));
  REQUIRE(refusal);
  CHECK(refusal->code == Errc::upstream_unsupported);
  CHECK(refusal->text == "cannot be asked for [2001:db8::1]:443 - SOCKS4a has no IPv6 addresses");
  CHECK_FALSE(socks4a_refuses(*HostPort::parse("gcr.io:443")));
  CHECK_FALSE(socks4a_refuses(*HostPort::parse("192.0.2.1:443")));
}
