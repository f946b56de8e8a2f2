#include "codec/client_mistake.h"

#include <string>

#include "support/catch.h"

using namespace culvert;
using Catch::Matchers::Contains;

TEST_CASE("a client that speaks another protocol gets the fix") {
  struct Row {
    const char* first_bytes;
    Errc code;
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {"\x16\x03\x01", Errc::http_request_error, "began TLS"},
      {"\x05\x01", Errc::http_request_error, "spoke SOCKS"},
      {"\x04\x01", Errc::http_request_error, "spoke SOCKS"},
      {"PRI * HTTP/2.0\r\n\r\nSM", Errc::version_not_supported, "spoke HTTP/2"},
  }));
  const auto mistake = client_mistake(row.first_bytes);
  REQUIRE(mistake);
  CHECK(mistake->code == row.code);
  CHECK(mistake->side == Side::client);
  CHECK(mistake->text.size() <= 200);
  CHECK_THAT(mistake->text, Contains(row.text));
}

TEST_CASE("HTTP/1 is no mistake") {
  for (const char* first_bytes : {"", "C", "CONNECT a:443 HTTP/1.1", "PRI", "PRI * HTTP/1.1",
                                  "PRIVATE http://a/", "\r\nGET"}) {
    CAPTURE(first_bytes);
    CHECK_FALSE(client_mistake(first_bytes));
  }
}
