#include "codec/request_target.h"

#include <string>

#include "support/catch.h"

using namespace culvert;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

Result<RequestTarget> parse(const std::string& method, std::string_view target,
                            std::vector<Field> fields = {{"Host", "h"}}, int minor = 1) {
  RequestHead head;
  head.method = method;
  head.target = target;
  head.fields = std::move(fields);
  head.minor = minor;
  RequestTarget out;
  if (auto fine = parse_request_target(head, out); !fine) return fine.error();
  return out;
}

}  // namespace

TEST_CASE("CONNECT takes authority-form with a port (RFC 9112 3.2.3)") {
  for (const auto& [text, canonical] : std::vector<std::pair<const char*, const char*>>{
           {"gcr.io:443", "gcr.io:443"},
           {"GCR.IO:443", "gcr.io:443"},
           {"192.0.2.1:1", "192.0.2.1:1"},
           {"[2001:DB8::1]:443", "[2001:db8::1]:443"}}) {
    const auto target = parse("CONNECT", text);
    REQUIRE(target.ok());
    CHECK(target->form == RequestTarget::Form::authority);
    CHECK(target->authority.to_string() == canonical);
  }
}

TEST_CASE("other methods take absolute-form (RFC 9112 3.2.2)") {
  struct Row {
    const char* target;
    const char* authority;
    const char* path;
  };
  const auto row = GENERATE(values<Row>({
      {"http://a/", "a:80", "/"},
      {"http://a", "a:80", ""},
      {"http://a?b", "a:80", "?b"},
      {"HTTP://A.Example:8080/B?C", "a.example:8080", "/B?C"},
      {"http://a:/b", "a:80", "/b"},
      {"http://[::1]:81/x", "[::1]:81", "/x"},
      {"http://192.0.2.1/http://b/", "192.0.2.1:80", "/http://b/"},
      {"http://a/b@c:d", "a:80", "/b@c:d"},
      {"http://a?x@y/z", "a:80", "?x@y/z"},
  }));
  for (const char* method : {"GET", "POST", "QUERY", "OPTIONS"}) {
    const auto target = parse(method, row.target);
    REQUIRE(target.ok());
    CHECK(target->form == RequestTarget::Form::absolute);
    CHECK(target->authority.to_string() == row.authority);
    CHECK(target->path == row.path);
  }
}

TEST_CASE("a ws:// URL with Upgrade is an http:// URL (RFC 6455 3)") {
  const std::vector<Field> upgrade = {
      {"Host", "a"}, {"Connection", "keep-alive, Upgrade"}, {"Upgrade", "websocket"}};
  const auto target = parse("GET", "WS://A.Example:8080/chat?x", upgrade);
  REQUIRE(target.ok());
  CHECK(target->form == RequestTarget::Form::absolute);
  CHECK(target->authority.to_string() == "a.example:8080");
  CHECK(target->path == "/chat?x");
  CHECK(parse("GET", "ws://a", upgrade)->authority.to_string() == "a:80");
  CHECK_FALSE(parse("GET", "ws://a/", upgrade, 0).ok());
  CHECK_FALSE(parse("GET", "ws://u@a/", upgrade).ok());
  CHECK_FALSE(parse("GET", "wss://a/", upgrade).ok());
  CHECK_FALSE(parse("GET", "ws://a/", {{"Host", "a"}, {"Upgrade", "websocket"}}).ok());
  CHECK_FALSE(
      parse("GET", "ws://a/", {{"Host", "a"}, {"Connection", "Upgrade"}, {"Upgrade", "h2c"}}).ok());
}

TEST_CASE("the asterisk goes with OPTIONS (RFC 9112 3.2.4)") {
  CHECK(parse("OPTIONS", "*")->form == RequestTarget::Form::asterisk);
  CHECK_FALSE(parse("GET", "*").ok());
  CHECK_FALSE(parse("CONNECT", "*").ok());
}

TEST_CASE("other targets are refused and the mistake is named") {
  struct Row {
    const char* method;
    const char* target;
    Errc code;
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {"GET", "/", Errc::http_request_error, "this is a proxy, not a web server"},
      {"GET", "//a/", Errc::http_request_error, "this is a proxy, not a web server"},
      {"GET", "/http://a/", Errc::http_request_error, "this is a proxy, not a web server"},
      {"GET", "https://a/", Errc::method_not_implemented, "crosses a proxy by CONNECT"},
      {"GET", "HTTPS://a/", Errc::method_not_implemented, "crosses a proxy by CONNECT"},
      {"GET", "ftp://a/", Errc::method_not_implemented, "not ftp://"},
      {"GET", "ws+x-1.2://a/", Errc::method_not_implemented, "not ws+x-1.2://"},
      {"GET", "wss://a/", Errc::method_not_implemented, "a wss:// URL crosses a proxy by CONNECT"},
      {"GET", "ws://a/", Errc::method_not_implemented, "with Upgrade only"},
      {"GET", "gcr.io:443", Errc::http_request_error, "not an absolute http:// URL"},
      {"GET", "http:/a/", Errc::http_request_error, "not an absolute http:// URL"},
      {"GET", "http:a", Errc::http_request_error, "not an absolute http:// URL"},
      {"GET", "1http://a/", Errc::http_request_error, "not an absolute http:// URL"},
      {"GET", "://a/", Errc::http_request_error, "not an absolute http:// URL"},
      {"GET", "x/://a/", Errc::http_request_error, "not an absolute http:// URL"},
      {"GET", "http://", Errc::http_request_error, "host is empty"},
      {"GET", "http:///a", Errc::http_request_error, "host is empty"},
      {"GET", "http://:80/", Errc::http_request_error, "host is empty"},
      {"GET", "http://a:0/", Errc::http_request_error, "1 to 65535"},
      {"GET", "http://a:x/", Errc::http_request_error, "1 to 65535"},
      {"GET", "http://a:65536/", Errc::http_request_error, "1 to 65535"},
      {"GET", "http://u:secret@a/", Errc::http_request_error, "user name or password"},
      {"GET", "http://a\\@b/", Errc::http_request_error, "user name or password"},
      {"GET", "http://a\\b/", Errc::http_request_error, "characters"},
      {"GET", "http://a%2fb/", Errc::http_request_error, "'%'"},
      {"GET", "http://::1/", Errc::http_request_error, "brackets"},
      {"GET", "http://127.1/", Errc::http_request_error, "dotted quad"},
      {"GET", "http://a/#f", Errc::http_request_error, "fragment"},
      {"GET", "http://a#@b/", Errc::http_request_error, "fragment"},
      {"CONNECT", "gcr.io", Errc::http_request_error, "port is missing"},
      {"CONNECT", "gcr.io:", Errc::http_request_error, "port is missing"},
      {"CONNECT", "http://gcr.io:443", Errc::http_request_error, "not a URL"},
      {"CONNECT", "gcr.io:443/", Errc::http_request_error, "1 to 65535"},
      {"CONNECT", "/", Errc::http_request_error, "port is missing"},
      {"CONNECT", "u:secret@gcr.io:443", Errc::http_request_error, "user and password"},
      {"connect", "gcr.io:443", Errc::http_request_error, "not an absolute http:// URL"},
  }));
  CAPTURE(row.method, row.target);
  const auto target = parse(row.method, row.target);
  REQUIRE_FALSE(target.ok());
  CHECK(target.error().code == row.code);
  CHECK(target.error().side == Side::client);
  CHECK_THAT(target.error().text, Contains(row.text));
  CHECK(target.error().text.find("secret") == std::string::npos);
}

TEST_CASE("HTTP/1.1 has exactly one valid Host (RFC 9112 3.2)") {
  const auto fine = [](std::vector<Field> fields, int minor = 1) {
    return parse("GET", "http://a/", std::move(fields), minor).ok();
  };
  CHECK(fine({{"host", "a"}}));
  CHECK(fine({{"HOST", "other:8080"}}));
  CHECK(fine({{"Host", ""}}));
  CHECK(fine({{"Host", "[::1]:80"}}));
  CHECK_FALSE(fine({}));
  CHECK(fine({}, 0));
  CHECK_FALSE(fine({{"Host", "a"}, {"Host", "a"}}));
  CHECK_FALSE(fine({{"Host", "a"}, {"hOST", "b"}}, 0));
  CHECK_FALSE(fine({{"Host", "a, b"}}));
  CHECK_FALSE(fine({{"Host", "a b"}}));
  CHECK_FALSE(fine({{"Host", "a/b"}}));
  CHECK_FALSE(fine({{"Host", "u@a"}}));
  CHECK_FALSE(fine({{"Host", "http://a"}}));
  CHECK_FALSE(fine({{"Host", "a:b"}}));
}

TEST_CASE("the Host of an absolute-form request is replaced, not judged (RFC 9112 3.2.2)") {
  const std::string value = GENERATE(
      values<std::string>({"0.0.0.0=5000", "a~b.test", "a,b", "!$&'()*+,;=", "%41%2f", "a..b", ".",
                           "127.1", "a:", ":80", "a:99999", "a:0", "[::1%25eth0]:80", "[v1.x]",
                           "::1", "2001:db8::1:443", std::string(300, 'a')}));
  CAPTURE(value);
  CHECK(parse("GET", "http://a/", {{"Host", value}}).ok());
  CHECK(parse("CONNECT", "a:443", {{"Host", value}}).ok());
}

TEST_CASE("a Host that no reg-name holds is invalid (RFC 3986 3.2.2)") {
  const std::string value = GENERATE(values<std::string>(
      {"a, b", "a b",  "a\tb",    "a\x01",   "a\x7f", "\xc3\xa4", "a/b",  "a?b",
       "a#b",  "u@a",  "a\\b",    "\"a\"",   "<a>",   "a|b",      "a^b",  "{a}",
       "a`b",  "%",    "%4",      "%4x",     "a:b",   "a:80:80",  "a:-1", "a: 80",
       "[",    "[::1", "[::1]80", "[::1]:x", "[a b]", "a[b]",     "]",    "http://a"}));
  CAPTURE(value);
  const auto target = parse("GET", "http://a/", {{"Host", value}});
  REQUIRE_FALSE(target.ok());
  CHECK(target.error().code == Errc::http_request_error);
  CHECK_THAT(target.error().text, Contains("the Host field is invalid: "));
  CHECK_FALSE(parse("CONNECT", "a:443", {{"Host", value}}).ok());
}

TEST_CASE("a CONNECT needs no Host, as its request line holds the authority") {
  for (const int minor : {0, 1}) {
    CHECK(parse("CONNECT", "gcr.io:443", {}, minor).ok());
    CHECK(parse("CONNECT", "gcr.io:443", {{"Host", "127.0.0.1:3128"}}, minor).ok());
    CHECK(parse("CONNECT", "gcr.io:443", {{"Host", "gcr.io"}}, minor).ok());
    CHECK_FALSE(parse("CONNECT", "gcr.io:443", {{"Host", "a"}, {"Host", "a"}}, minor).ok());
  }
  CHECK_FALSE(parse("OPTIONS", "*", {}).ok());
}
