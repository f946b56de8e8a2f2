#include "codec/client_mistake.h"

#include <string>

#include "support/catch.h"

using namespace culvert;
using namespace std::string_literals;
using Catch::Matchers::Contains;

TEST_CASE("a client that speaks another protocol gets the fix") {
  struct Row {
    std::string first_bytes;
    Errc code;
    const char* text;
    std::string answer;  ///< how it begins
  };
  const auto row = GENERATE(values<Row>({
      {"\x16\x03\x01", Errc::http_request_error, "began TLS", "\x15\3\3"},
      {"\x05\x01", Errc::http_request_error, "spoke SOCKS", ""},
      {"\x04\x01", Errc::http_request_error, "spoke SOCKS", ""},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nCONNECT ", Errc::http_request_error,
       "?proxy-protocol=on", ""},
      {"\r\n\r\n\0\r\nQUIT\n\x21"s, Errc::http_request_error, "PROXY protocol header", ""},
      {"PRI * HTTP/2.0\r\n\r\nSM", Errc::version_not_supported, "spoke HTTP/2", "\0\0\0\4"s},
      {"SSH-2.0-OpenSSH_9.2\r\n", Errc::http_request_error, "spoke SSH", "SSH-2.0-"},
  }));
  const auto mistake = client_mistake(row.first_bytes);
  REQUIRE(mistake);
  CHECK(mistake->error.code == row.code);
  CHECK(mistake->error.side == Side::client);
  CHECK(mistake->error.text.size() <= 200);
  CHECK_THAT(mistake->error.text, Contains(row.text));
  CHECK(mistake->answer.empty() == row.answer.empty());
  CHECK(mistake->answer.starts_with(row.answer));
}

TEST_CASE("where SOCKS is not served, its client is told so in SOCKS, and the log where it is") {
  const std::string scheme = GENERATE("https://", "http-only://");
  CHECK(socks_is_not_served('\5', scheme).answer == "\5\xff");
  const ClientMistake mistake = socks_is_not_served('\4', scheme);
  CHECK(mistake.answer == "\0\x5b\0\0\0\0\0\0"s);
  CHECK(mistake.error.code == Errc::http_request_error);
  CHECK(mistake.error.side == Side::client);
  CHECK(mistake.error.text.size() <= 200);
  CHECK_THAT(mistake.error.text, Contains("SOCKS is served on a --listen without " + scheme));
}

TEST_CASE("what may become another protocol is told from what cannot") {
  for (const char* first_bytes : {"S", "SSH", "P", "PR", "PRI * HTTP/2.", "PROXY", "\r\n\r\n"}) {
    CAPTURE(first_bytes);
    CHECK(may_become_mistake(first_bytes));
  }
  for (const char* first_bytes : {"SSH-", "SA", "PROXY ", "PO", "C", "GET ", "\r\nG"}) {
    CAPTURE(first_bytes);
    CHECK_FALSE(may_become_mistake(first_bytes));
  }
}

TEST_CASE("HTTP/1 is no mistake") {
  for (const char* first_bytes :
       {"", "C", "CONNECT a:443 HTTP/1.1", "PRI", "PRI * HTTP/1.1", "PRIVATE http://a/", "SSH",
        "SEARCH http://a/ HTTP/1.1", "\r\nGET", "PROXY", "PROXYING http://a/"}) {
    CAPTURE(first_bytes);
    CHECK_FALSE(client_mistake(first_bytes));
  }
}

TEST_CASE("who takes us for a web server learns which URL to send") {
  const auto [host, url] = GENERATE(table<std::string, std::string>({
      {"a.example:80", "http://a.example/..."},
      {"a.example:8080", "http://a.example:8080/..."},
      {"[2001:db8::1]:80", "http://[2001:db8::1]/..."},
      {std::string(63, 'a') + "." + std::string(63, 'b') + ":80", "http://aaaaaaaa"},
  }));
  const Error mistake = url_is_missing(*HostPort::parse(host));
  CHECK(mistake.side == Side::client);
  CHECK_THAT(mistake.text, Contains("not a web server: send the absolute URL, " + url));
  // PHP shows 126 bytes of the status line.
  CHECK(("HTTP/1.1 400 culvert: " + mistake.text).find("/...") < 126);
}
