#include <string>

#include "codec/http_head.h"
#include "support/catch.h"
#include "support/cuts.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

using Kind = HeadScanner::Kind;

struct Scan {
  std::optional<Error> error;
  std::optional<std::size_t> end;
  std::size_t begin = 0;
  std::size_t seen = 0;  ///< bytes given until the scanner was satisfied or not
};

Scan scan_in(const Pieces& pieces, Kind kind, const HeadLimits& limits) {
  HeadScanner scanner(kind, limits);
  Scan scan;
  std::string buffer;
  for (const std::string_view piece : pieces) {
    buffer += piece;
    const auto result = scanner.scan(buffer);
    scan.seen = buffer.size();
    if (!result) {
      scan.error = result.error();
      return scan;
    }
    if (*result) {
      scan.end = **result;
      scan.begin = scanner.begin();
      return scan;
    }
  }
  return scan;
}

/// Scans in every cutting, checks that all results are the same, and returns it.
Scan scan_all(std::string_view bytes, Kind kind = Kind::request, const HeadLimits& limits = {}) {
  const Scan whole = scan_in({bytes}, kind, limits);
  for (const Pieces& pieces : cuttings(bytes)) {
    const Scan cut = scan_in(pieces, kind, limits);
    CHECK(cut.end == whole.end);
    CHECK(cut.begin == whole.begin);
    CHECK(cut.error.has_value() == whole.error.has_value());
    if (cut.error && whole.error) {
      CHECK(cut.error->text == whole.error->text);
      CHECK(cut.error->code == whole.error->code);
    }
  }
  return whole;
}

}  // namespace

TEST_CASE("the head ends behind its empty line") {
  const std::string head = "CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n\r\n";
  CHECK(scan_all(head).end == head.size());
  CHECK(scan_all(head + "early bytes \0\r\n\r\n"s).end == head.size());
  CHECK(scan_all("HTTP/1.1 200 OK\r\n\r\nHTTP", Kind::response).end == 19);
  CHECK_FALSE(scan_all(head.substr(0, head.size() - 1)).end);
  CHECK_FALSE(scan_all("").end);
}

TEST_CASE("obs-text and tabs may stand in a head") {
  CHECK(scan_all("GET http://a/ HTTP/1.1\r\nA:\tb\xff\xe9\t\r\n\r\n").end);
}

TEST_CASE("a few empty lines before a request are skipped (RFC 9112 2.2)") {
  const Scan scan = scan_all("\r\n\r\nGET http://a/ HTTP/1.1\r\n\r\n");
  REQUIRE(scan.end);
  CHECK(scan.begin == 4);
  CHECK(*scan.end == 30);
  CHECK_THAT(scan_all("\r\n\r\n\r\n\r\n\r\nGET").error->text, Contains("empty lines"));
  CHECK_THAT(scan_all("\r\nHTTP/1.1 200 OK\r\n\r\n", Kind::response).error->text,
             Contains("empty line"));
  CHECK_THAT(scan_all("\nHTTP/1.1 200 OK\r\n\r\n", Kind::response).error->text,
             Contains("empty line before the status line"));
  CHECK_THAT(scan_all("\nGET http://a/ HTTP/1.1\r\n\r\n").error->text, Contains("LF without CR"));
}

TEST_CASE("what no message may contain is refused at its first byte") {
  struct Row {
    std::string bytes;
    std::size_t at;  ///< the length at which it is known
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {"GET http://a/ HTTP/1.1\nHost: a\r\n\r\n", 23, "LF without CR"},
      {"GET http://a/ HTTP/1.1\r\nHost: a\n\n", 32, "LF without CR"},
      {"GET http://a/ HTTP/1.1\r\nA: b\rC: d\r\n\r\n", 30, "CR stands without LF"},
      {"GET http://a/ HTTP/1.1\r\r\n\r\n", 24, "CR stands without LF"},
      {"GET http://a/ HTTP/1.1\r\n\r\r\n", 26, "CR stands without LF"},
      {"GET http://a/\0 HTTP/1.1\r\n\r\n"s, 14, "NUL"},
      {"GET http://a/ HTTP/1.1\r\nA: \0\r\n\r\n"s, 28, "NUL"},
      {"GET http://a/ HTTP/1.1\r\nA: \x7f\r\n\r\n", 28, "control byte"},
      {"GET http://a/ HTTP/1.1\r\nA: \x1b[1m\r\n\r\n", 28, "control byte"},
      {"GET http://a/ HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 31, "obs-fold"},
      {"GET http://a/ HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n", 31, "obs-fold"},
      {"GET http://a/ HTTP/1.1\r\n A: b\r\n\r\n", 25, "obs-fold"},
      {" GET http://a/ HTTP/1.1\r\n\r\n", 1, "start line begins with white space"},
      {"\r\n GET http://a/ HTTP/1.1\r\n\r\n", 3, "start line begins with white space"},
      {"\x01", 1, "control byte"},
  }));
  CAPTURE(row.bytes);
  const Scan scan = scan_all(row.bytes);
  REQUIRE(scan.error);
  CHECK(scan.error->code == Errc::http_request_error);
  CHECK(scan.error->side == Side::client);
  CHECK_THAT(scan.error->text, Contains(row.text));
  CHECK(scan_in(cuttings(row.bytes)[1], Kind::request, {}).seen == row.at);
}

TEST_CASE("the same in a response is the upstream's fault") {
  const Scan scan = scan_all("HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n", Kind::response);
  REQUIRE(scan.error);
  CHECK(scan.error->code == Errc::http_protocol_error);
  CHECK(scan.error->side == Side::upstream);
  CHECK(scan_all("HTTP/1.1 200 OK\r\n\x05: b\r\n\r\n", Kind::response).error);
}

TEST_CASE("a head without end is refused at its limit") {
  const HeadLimits limits{.bytes = 200, .target = 100, .fields = 10};
  const std::string line = "GET http://a/ HTTP/1.1\r\n";
  const std::string fits = line + std::string(200 - line.size() - 4, 'a') + "\r\n\r\n";
  CHECK(scan_all(fits, Kind::request, limits).end == 200);
  CHECK(scan_all(line + "a" + fits.substr(line.size()), Kind::request, limits).error->code ==
        Errc::http_request_too_large);
  CHECK(scan_all(line + std::string(1000, 'a'), Kind::request, limits).error->code ==
        Errc::http_request_too_large);
  CHECK(scan_all("GET http://a/" + std::string(1000, 'a'), Kind::request, limits).error->code ==
        Errc::http_uri_too_long);
  CHECK(scan_all("HTTP/1.1 200 " + std::string(1000, 'a'), Kind::response, limits).error->code ==
        Errc::http_protocol_error);
}

TEST_CASE("a scanner is ready again after reset") {
  HeadScanner scanner(Kind::request);
  const std::string head = "\r\nGET http://a/ HTTP/1.1\r\n\r\n";
  CHECK(**scanner.scan(head) == head.size());
  scanner.reset();
  const std::string next = "GET http://b/ HTTP/1.1\r\n\r\n";
  CHECK(**scanner.scan(next) == next.size());
  CHECK(scanner.begin() == 0);
}
