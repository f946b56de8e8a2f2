#include "codec/socks_server.h"

#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

const std::string kGreeting = "\5\1\0"s;
const std::string kPasswordGreeting = "\5\1\2"s;

/// What a client gets for `bytes`, given as a whole or one by one.
struct Conversation {
  explicit Conversation(const std::string& bytes, bool singly = false) {
    const std::size_t step = singly ? 1 : bytes.size();
    for (std::size_t at = 0; at < bytes.size() && !server.done() && !error; at += step) {
      auto result = server.consume(std::string_view(bytes).substr(at, step));
      replies += server.take_output();
      if (!result) {
        error = result.error();
      } else {
        used += *result;
      }
    }
  }
  SocksServer server;
  std::string replies;
  std::size_t used = 0;
  std::optional<Error> error;
};

}  // namespace

TEST_CASE("a SOCKS request names its target") {
  struct Row {
    std::string bytes;
    std::string replies;
    const char* target;
    const char* protocol;
  };
  const auto row = GENERATE(values<Row>({
      {kGreeting + "\5\1\0\3\6gcr.io\1\xbb"s, "\5\0"s, "gcr.io:443", "SOCKS5"},
      {kGreeting + "\5\1\0\3\7GCR.IO.\1\xbb"s, "\5\0"s, "gcr.io:443", "SOCKS5"},
      {kGreeting + "\5\1\0\1\xc0\0\2\1\0\x50"s, "\5\0"s, "192.0.2.1:80", "SOCKS5"},
      {kGreeting + "\5\1\0\3\x09"s + "192.0.2.1\0\x50"s, "\5\0"s, "192.0.2.1:80", "SOCKS5"},
      {kGreeting + "\5\1\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\1\xbb"s, "\5\0"s,
       "[2001:db8::1]:443", "SOCKS5"},
      {"\5\3\1\2\0\5\1\0\3\1a\0\x50"s, "\5\0"s, "a:80", "SOCKS5"},
      {kPasswordGreeting + "\1\4user\6secret\5\1\0\3\1a\0\x50"s, "\5\2\1\0"s, "a:80", "SOCKS5"},
      {kPasswordGreeting + "\1\0\0\5\1\0\3\1a\0\x50"s, "\5\2\1\0"s, "a:80", "SOCKS5"},
      {"\4\1\1\xbb\xc0\0\2\1\0"s, "", "192.0.2.1:443", "SOCKS4"},
      {"\4\1\1\xbb\xc0\0\2\1me\0"s, "", "192.0.2.1:443", "SOCKS4"},
      {"\4\1\1\xbb\0\0\0\1\0gcr.io\0"s, "", "gcr.io:443", "SOCKS4"},
      {"\4\1\1\xbb\0\0\0\xff"s + "me\0gcr.io\0"s, "", "gcr.io:443", "SOCKS4"},
  }));
  const bool singly = GENERATE(false, true);
  const Conversation talk(row.bytes, singly);
  CHECK_FALSE(talk.error);
  REQUIRE(talk.server.done());
  CHECK(talk.used == row.bytes.size());
  CHECK(talk.replies == row.replies);
  CHECK(talk.server.target().to_string() == row.target);
  CHECK(talk.server.protocol() == row.protocol);
}

TEST_CASE("what follows a SOCKS request is the tunnel's") {
  const std::string request = kGreeting + "\5\1\0\3\1a\0\x50"s;
  const Conversation talk(request + "early");
  CHECK(talk.server.done());
  CHECK(talk.used == request.size());
}

TEST_CASE("a SOCKS client's mistake gets the reply of its stage") {
  struct Row {
    std::string bytes;
    const char* text;
    std::string reply;
  };
  const auto row = GENERATE(values<Row>({
      {"\5\0"s, "offers no way to sign in", "\5\xff"s},
      {"\5\1\1"s, "a method that culvert does not have", "\5\xff"s},
      {kPasswordGreeting + "\5"s, "user and password are malformed", "\1\1"s},
      {kGreeting + "\4"s, "request is malformed", "\5\1\0\1\0\0\0\0\0\0"s},
      {kGreeting + "\5\1\0\2\0"s, "address of unknown type 2", "\5\10\0\1\0\0\0\0\0\0"s},
      {kGreeting + "\5\2\0\1\1\2\3\4\0\x50"s, "SOCKS BIND", "\5\7\0\1\0\0\0\0\0\0"s},
      {kGreeting + "\5\3\0\1\0\0\0\0\0\0"s, "UDP ASSOCIATE", "\5\7\0\1\0\0\0\0\0\0"s},
      {kGreeting + "\5\x09\0\1\0\0\0\0\0\0"s, "unknown SOCKS command", "\5\7\0\1\0\0\0\0\0\0"s},
      {kGreeting + "\5\1\0\3\0\0\x50"s, "", "\5\1\0\1\0\0\0\0\0\0"s},
      {kGreeting + "\5\1\0\3\3a b\0\x50"s, "", "\5\1\0\1\0\0\0\0\0\0"s},
      {kGreeting + "\5\1\0\3\1a\0\0"s, "", "\5\1\0\1\0\0\0\0\0\0"s},
      {"\4\2\0\x50\1\2\3\4\0"s, "SOCKS BIND", "\0\x5b\0\0\0\0\0\0"s},
      {"\4\1\0\x50\0\0\0\1\0\0"s, "", "\0\x5b\0\0\0\0\0\0"s},
      {"\4\1\0\x50\1\2\3\4"s + std::string(255, 'u'), "user has no end", "\0\x5b\0\0\0\0\0\0"s},
      {"\4\1\0\x50\0\0\0\1\0"s + std::string(255, 'n'), "name has no end", "\0\x5b\0\0\0\0\0\0"s},
  }));
  const bool singly = GENERATE(false, true);
  const Conversation talk(row.bytes, singly);
  REQUIRE(talk.error);
  CHECK(talk.error->side == Side::client);
  CHECK_THAT(talk.error->text, Contains(row.text));
  CHECK(talk.server.refusal(*talk.error) == row.reply);
}

TEST_CASE("a failure gets its SOCKS5 reply code, and SOCKS4 has only one") {
  const Error refused{Errc::connection_refused, Side::target, 0, "it failed"};
  CHECK(Conversation(kGreeting + "\5\1\0\3\1a\0\x50"s).server.refusal(refused) ==
        "\5\5\0\1\0\0\0\0\0\0"s);
  CHECK(Conversation("\4\1\0\x50\0\0\0\1\0a\0"s).server.refusal(refused) == "\0\x5b\0\0\0\0\0\0"s);
}

TEST_CASE("a SOCKS name is a host's name, or it is refused") {
  const auto ask = [](const std::string& name) {
    return Conversation(kGreeting + "\5\1\0\3"s + static_cast<char>(name.size()) + name +
                        "\1\xbb"s);
  };
  struct Row {
    std::string name;
    const char* fault;
  };
  const auto row = GENERATE(values<Row>({
      {"", "the host is empty"},
      {"a\0b"s, "control bytes"},
      {"a b", "white space"},
      {"a\r\nb", "control bytes"},
      {"me@gcr.io", "user and password"},
      {"b\xc3\xbc"
       "cher.example",
       "non-ASCII"},
      {"fe80::1%eth0", "zones"},
      {"127.1", "dotted quad"},
      {std::string(254, 'a'), "longer than 253"},
      {std::string(255, '.'), "longer than 253"},
  }));
  CAPTURE(row.name);
  const Conversation talk = ask(row.name);
  REQUIRE(talk.error);
  CHECK(talk.error->code == Errc::http_request_error);
  CHECK_THAT(talk.error->text, Contains(row.fault));
  CHECK(talk.server.refusal(*talk.error) == "\5\1\0\1\0\0\0\0\0\0"s);

  CHECK(ask(std::string(253, 'a')).server.done());
  CHECK(ask("2001:db8::1").server.target().to_string() == "[2001:db8::1]:443");
  CHECK(ask("[2001:db8::1]").server.target().to_string() == "[2001:db8::1]:443");
}

TEST_CASE("the longest SOCKS sign-in and user are taken") {
  const std::string most(255, 'x');
  CHECK(Conversation(kPasswordGreeting + "\1\xff"s + most + "\xff"s + most + "\5\1\0\3\1a\0\x50"s)
            .server.done());
  CHECK(Conversation("\4\1\0\x50\1\2\3\4"s + std::string(254, 'u') + "\0"s).server.done());
}

TEST_CASE("a granted request is answered once, in its version") {
  CHECK(Conversation(kGreeting + "\5\1\0\3\1a\0\x50"s).server.granted() == "\5\0\0\1\0\0\0\0\0\0"s);
  CHECK(Conversation("\4\1\0\x50\0\0\0\1\0a\0"s).server.granted() == "\0\x5a\0\0\0\0\0\0"s);
}

TEST_CASE("a part of a SOCKS request is no request") {
  for (const std::string& whole : {kPasswordGreeting + "\1\4user\6secret\5\1\0\3\6gcr.io\1\xbb"s,
                                   "\4\1\1\xbb\0\0\0\xff"s + "me\0gcr.io\0"s}) {
    for (std::size_t size = 1; size < whole.size(); ++size) {
      const Conversation talk(whole.substr(0, size));
      CAPTURE(size);
      CHECK_FALSE(talk.error);
      CHECK_FALSE(talk.server.done());
      CHECK(talk.server.begun());
    }
  }
}

TEST_CASE("clients that have to sign in need the method for that") {
  SocksServer server(true);
  REQUIRE(server.consume("\5\2\0\2"s));
  CHECK(server.take_output() == "\5\2");
  const std::string rest = "\5\1\0\1\1\2\3\4\0\x50"s;
  const auto used = server.consume("\1\5alice\6s3cret"s + rest);
  REQUIRE(used);
  CHECK(*used == 14);
  CHECK(server.awaits_verdict());
  CHECK(server.take_output().empty());
  CHECK(server.refusal({}) == "\1\1");
  const Credentials given = server.take_credentials();
  CHECK(given.user == "alice");
  CHECK(given.password.reveal() == "s3cret");
  server.signed_in();
  CHECK(server.take_output() == "\1\0"s);
  REQUIRE(server.consume(rest));
  CHECK(server.done());
  CHECK(server.target().to_string() == "1.2.3.4:80");
}

TEST_CASE(
    "clients that have to sign in and do not are refused by the method, or as SOCKS4 has it") {
  SocksServer five(true);
  const auto used = five.consume("\5\1\0"s);
  REQUIRE_FALSE(used);
  CHECK(used.error().code == Errc::proxy_auth_required);
  CHECK(five.refusal(used.error()) == "\5\xff");
  SocksServer four(true);
  const auto user_id = four.consume("\4\1\0\x50\1\2\3\4alice\0"s);
  REQUIRE_FALSE(user_id);
  CHECK(user_id.error().code == Errc::proxy_auth_required);
  CHECK(four.refusal(user_id.error()) == "\0\x5b\0\0\0\0\0\0"s);
}
