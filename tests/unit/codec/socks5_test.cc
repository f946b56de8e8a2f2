#include <string>

#include "codec/socks.h"
#include "support/catch.h"
#include "support/handshake_script.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

const std::string kNoAuthChosen = "\x05\x00"s;
const std::string kPasswordChosen = "\x05\x02"s;
const std::string kAccepted = "\x01\x00"s;
const std::string kGranted = "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"s;

HostPort target(std::string_view text) { return *HostPort::parse(text); }

Credentials alice() { return {"alice", Secret("s3cret")}; }

Outcome run(std::string_view to, const std::optional<Credentials>& credentials,
            const std::vector<std::string>& replies) {
  return play_all([&] { return make_socks5_handshake(target(to), credentials); }, replies);
}

Outcome run(const std::vector<std::string>& replies) {
  return run("gcr.io:443", std::nullopt, replies);
}

Error error_of(const Outcome& outcome) {
  REQUIRE(outcome.error);
  CHECK(outcome.error->text.size() <= 190);
  return *outcome.error;
}

}  // namespace

TEST_CASE("socks5 sends a name as a name") {
  const Outcome outcome = run({kNoAuthChosen, kGranted});
  CHECK(outcome.done);
  CHECK(outcome.sent ==
        std::vector<std::string>{"\x05\x01\x00"s, "\x05\x01\x00\x03\x06gcr.io\x01\xbb"s});
}

TEST_CASE("socks5 sends a name's final dot") {
  CHECK(run("gcr.io.:443", {}, {kNoAuthChosen, kGranted}).sent[1] ==
        "\x05\x01\x00\x03\x07gcr.io.\x01\xbb"s);
  CHECK(run(std::string(253, 'h') + ".:1", {}, {kNoAuthChosen, kGranted}).sent[1].size() ==
        5 + 254 + 2);
}

TEST_CASE("socks5 sends address literals as addresses") {
  CHECK(run("192.0.2.1:80", {}, {kNoAuthChosen, kGranted}).sent[1] ==
        "\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50"s);
  CHECK(run("[2001:db8::1]:65535", {}, {kNoAuthChosen, kGranted}).sent[1] ==
        "\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\xff\xff"s);
}

TEST_CASE("socks5 offers one method and authenticates when required") {
  const Outcome outcome = run("gcr.io:443", alice(), {kPasswordChosen, kAccepted, kGranted});
  CHECK(outcome.done);
  CHECK(outcome.sent == std::vector<std::string>{"\x05\x01\x02"s, "\x01\x05"s + "alice\x06s3cret",
                                                 "\x05\x01\x00\x03\x06gcr.io\x01\xbb"s});
}

TEST_CASE("socks5 takes empty and longest credentials and names") {
  const Credentials longest{std::string(255, 'u'), Secret(std::string(255, 'p'))};
  const Outcome outcome =
      run(std::string(253, 'h') + ":1", longest, {kPasswordChosen, kAccepted, kGranted});
  CHECK(outcome.done);
  CHECK(outcome.sent[1] == "\x01\xff"s + std::string(255, 'u') + "\xff" + std::string(255, 'p'));
  CHECK(outcome.sent[2].size() == 5 + 253 + 2);
  // RFC 1929 requires at least one byte each, tor accepts none.
  CHECK(run("gcr.io:443", Credentials{}, {kPasswordChosen, kAccepted, kGranted}).sent[1] ==
        "\x01\0\0"s);
}

TEST_CASE("socks5 continues without a password where the server requires none") {
  const Outcome outcome = run("gcr.io:443", alice(), {kNoAuthChosen, kGranted});
  CHECK(outcome.done);
  CHECK(outcome.sent.size() == 2);
}

TEST_CASE("socks5 accepts any bound address and any reserved byte") {
  const auto reply = GENERATE(values<std::string>({
      "\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38"s,
      "\x05\x00\xff\x01\x7f\x00\x00\x01\x04\x38"s,
      "\x05\x00\x00\x04"s + std::string(16, '\x01') + "\x00\x01"s,
      "\x05\x00\x00\x03\x00\x00\x00"s,
      "\x05\x00\x00\x03\x14localhost.localdomai\x00\x00"s,
      "\x05\x00\x00\x03\xff"s + std::string(255, 'x') + "\x00\x00"s,
  }));
  CHECK(run({kNoAuthChosen, reply}).done);
  const Outcome glued = run({kNoAuthChosen, reply + "\x05\x00 early bytes"s});
  CHECK(glued.done);
  CHECK(glued.rest == "\x05\x00 early bytes"s);
}

TEST_CASE("socks5 names the meaning of each reply code") {
  struct Row {
    int code;
    Errc errc;
    Side side;
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {1, Errc::destination_unavailable, Side::target,
       "says it failed to reach gcr.io:443 (SOCKS reply 1, often a name that does not resolve)"},
      {2, Errc::upstream_denied, Side::upstream, "does not allow gcr.io:443 (SOCKS reply 2)"},
      {3, Errc::destination_ip_unroutable, Side::target,
       "says the network of gcr.io:443 is unreachable (SOCKS reply 3, often a name that does not "
       "resolve)"},
      {4, Errc::destination_unavailable, Side::target,
       "says gcr.io:443 is unreachable or does not resolve (SOCKS reply 4)"},
      {5, Errc::connection_refused, Side::target,
       "says gcr.io:443 refused the connection (SOCKS reply 5)"},
      {6, Errc::connection_timeout, Side::target,
       "says gcr.io:443 did not answer in time (SOCKS reply 6)"},
      {7, Errc::upstream_unsupported, Side::upstream,
       "does not serve CONNECT, asked for gcr.io:443 (SOCKS reply 7)"},
      {8, Errc::upstream_unsupported, Side::upstream,
       "does not take the kind of address of gcr.io:443 (SOCKS reply 8)"},
      {9, Errc::destination_unavailable, Side::upstream,
       "failed to reach gcr.io:443 for a reason of its own (SOCKS reply 9)"},
      {0xf0, Errc::destination_unavailable, Side::target,
       "says the descriptor of onion service gcr.io:443 was not found (SOCKS reply 240)"},
      {0xf7, Errc::connection_timeout, Side::target,
       "says the introduction to onion service gcr.io:443 timed out (SOCKS reply 247)"},
      {0xff, Errc::destination_unavailable, Side::upstream,
       "failed to reach gcr.io:443 for a reason of its own (SOCKS reply 255)"},
  }));
  // Some send the whole reply, some four bytes (ss-local), and two would do.
  for (const std::size_t length : {2U, 4U, 10U}) {
    std::string reply = "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"s;
    reply[1] = static_cast<char>(row.code);
    const Error error = error_of(run({kNoAuthChosen, reply.substr(0, length)}));
    CHECK(error.code == row.errc);
    CHECK(error.side == row.side);
    CHECK(error.text == row.text);
  }
}

TEST_CASE("socks5 suspects the name only if there is one") {
  for (const char code : {'\x01', '\x03'}) {
    const std::string reply = "\x05"s + code;
    CHECK_THAT(error_of(run("192.0.2.1:443", {}, {kNoAuthChosen, reply})).text,
               Contains("192.0.2.1:443") && !Contains("resolve"));
    CHECK_THAT(error_of(run("gcr.io:443", {}, {kNoAuthChosen, reply})).text, Contains("resolve"));
  }
}

TEST_CASE("socks5 survives every reply code") {
  for (int code = 1; code < 256; ++code) {
    const std::string reply = "\x05"s + static_cast<char>(code);
    const Error error = error_of(run({kNoAuthChosen, reply}));
    CHECK_THAT(error.text, Contains("SOCKS reply " + std::to_string(code)));
  }
}

TEST_CASE("socks5 suspects the password when a request is denied") {
  // 3proxy accepts any password and refuses the request.
  const Error error =
      error_of(run("gcr.io:443", alice(), {kPasswordChosen, kAccepted, "\x05\x02\x00\x01"s}));
  CHECK(error.code == Errc::upstream_denied);
  CHECK(error.text ==
        "does not allow gcr.io:443 (SOCKS reply 2, perhaps because of a wrong password)");
}

TEST_CASE("socks5 names a refused method") {
  const Error bare = error_of(run({"\x05\xff"s}));
  CHECK(bare.code == Errc::upstream_auth_failed);
  CHECK(bare.text == "wants credentials and none are configured");
  const Error with = error_of(run("gcr.io:443", alice(), {"\x05\xff"s}));
  CHECK(with.code == Errc::upstream_auth_failed);
  CHECK(with.text == "takes no user name and password (ssh -D never does)");
  CHECK(error_of(run({kPasswordChosen})).code == Errc::upstream_auth_failed);
  CHECK(error_of(run({"\x05\x01"s})).code == Errc::upstream_protocol_error);
  CHECK(error_of(run("gcr.io:443", alice(), {"\x05\x80"s})).code == Errc::upstream_protocol_error);
}

TEST_CASE("socks5 takes any status but zero for a refused password") {
  for (int status = 1; status < 256; ++status) {
    const Error error = error_of(
        run("gcr.io:443", alice(), {kPasswordChosen, "\x01"s + static_cast<char>(status)}));
    CHECK(error.code == Errc::upstream_auth_failed);
    CHECK(error.text == "refused our user name or password");
  }
  // A server that repeats the 5 of SOCKS is understood.
  CHECK(run("gcr.io:443", alice(), {kPasswordChosen, "\x05\x00"s, kGranted}).done);
  CHECK(error_of(run("gcr.io:443", alice(), {kPasswordChosen, "\x02\x00"s})).code ==
        Errc::upstream_protocol_error);
}

TEST_CASE("socks5 distinguishes the phases of a closed connection") {
  const Outcome greeting = run({});
  CHECK(greeting.phase == "greeting");
  REQUIRE(greeting.at_eof);
  CHECK(greeting.at_eof->text ==
        "closed the connection during the greeting - is it a SOCKS5 server?");

  const Outcome offered = run("gcr.io:443", alice(), {});
  CHECK_THAT(offered.at_eof->text, Contains("ssh -D never does"));

  const Outcome authentication = run("gcr.io:443", alice(), {kPasswordChosen});
  CHECK(authentication.phase == "authentication");
  CHECK(authentication.at_eof->code == Errc::upstream_auth_failed);

  const Outcome request = run({kNoAuthChosen});
  CHECK(request.phase == "request");
  CHECK(request.at_eof->code == Errc::connection_terminated);
  CHECK(request.at_eof->text ==
        "closed the connection instead of answering for gcr.io:443 - ssh -D does this when the "
        "far end cannot resolve or reach it, or forbids it");

  const Outcome middle = run({kNoAuthChosen, "\x05\x00\x00"s});
  CHECK(middle.at_eof->text == "closed the connection in the middle of its answer for gcr.io:443");
  CHECK(run({"\x05"s}).at_eof->code == Errc::upstream_protocol_error);
}

TEST_CASE("socks5 recognises other protocols") {
  struct Row {
    std::string answer;
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {"HTTP/1.0 501 Tor is not an HTTP Proxy\r\n\r\n", "answered in HTTP, not in SOCKS5"},
      {"SSH-2.0-OpenSSH_9.2\r\n", "answered in SSH, not in SOCKS5"},
      {"\x15\x03\x01\x00\x02\x02\x16"s, "answered in TLS, not in SOCKS5"},
      {"\x00\x5b\x00\x00\x00\x00\x00\x00"s, "answered in SOCKS4, not in SOCKS5"},
      {"\x00\x00"s, "did not answer in SOCKS5"},
      {"220 smtp ready\r\n", "did not answer in SOCKS5"},
      {"Hello", "did not answer in SOCKS5"},
  }));
  const Error error = error_of(run({row.answer}));
  CHECK(error.code == Errc::upstream_protocol_error);
  CHECK(error.side == Side::upstream);
  CHECK_THAT(error.text, Contains(row.text));
}

TEST_CASE("socks5 refuses a reply that comes before its request") {
  const auto handshake = make_socks5_handshake(target("gcr.io:443"), std::nullopt);
  (void)handshake->take_output();
  const auto used = handshake->consume(kNoAuthChosen + kGranted);
  REQUIRE_FALSE(used.ok());
  CHECK(used.error().code == Errc::upstream_protocol_error);
}

TEST_CASE("socks5 refuses nonsense in place of a reply") {
  CHECK(error_of(run({kNoAuthChosen, "\x04\x00"s})).code == Errc::upstream_protocol_error);
  CHECK(error_of(run({kNoAuthChosen, "\x05\x00\x00\x02\x00"s})).code ==
        Errc::upstream_protocol_error);
  CHECK(error_of(run({kNoAuthChosen, "HTTP/1.1"s})).code == Errc::upstream_protocol_error);
}

TEST_CASE("socks5 keeps its clauses short for long names and free of passwords") {
  const std::string name = std::string(200, 'a') + ".example:443";
  const Outcome outcome = run(name, alice(), {kPasswordChosen, kAccepted});
  CHECK(outcome.at_eof->text.size() < 175);
  CHECK_THAT(outcome.at_eof->text, Contains("..") && Contains("example:443"));
  CHECK(outcome.at_eof->text.find("s3cret") == std::string::npos);
}
