#include "codec/chunked.h"

#include <optional>
#include <string>

#include "support/catch.h"
#include "support/cuts.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

using Kind = HeadScanner::Kind;

struct Decoded {
  std::string body;
  std::vector<std::pair<std::string, std::string>> trailers;
  std::size_t used = 0;
  bool done = false;
  std::optional<Error> error;
};

Decoded decode(const Pieces& pieces, Kind kind) {
  ChunkedDecoder decoder(kind);
  Decoded decoded;
  for (std::string_view piece : pieces) {
    while (!piece.empty() && !decoder.done()) {
      const auto step = decoder.consume(piece);
      if (!step) {
        decoded.error = step.error();
        return decoded;
      }
      REQUIRE(step->used <= piece.size());
      if (!step->body.empty()) {
        CHECK(step->body.data() + step->body.size() == piece.data() + step->used);
      }
      decoded.body += step->body;
      decoded.used += step->used;
      piece.remove_prefix(step->used);
    }
  }
  decoded.done = decoder.done();
  for (const Field& field : decoder.trailers()) {
    decoded.trailers.emplace_back(field.name, field.value);
  }
  return decoded;
}

/// Decodes in every cutting, checks that all results are the same, and returns it.
Decoded decode_all(std::string_view bytes, Kind kind = Kind::response) {
  const Decoded whole = decode({bytes}, kind);
  for (const Pieces& pieces : cuttings(bytes)) {
    const Decoded cut = decode(pieces, kind);
    CHECK(cut.done == whole.done);
    CHECK(cut.error.has_value() == whole.error.has_value());
    if (whole.error && cut.error) {
      CHECK(cut.error->text == whole.error->text);
      continue;
    }
    CHECK(cut.body == whole.body);
    CHECK(cut.used == whole.used);
    CHECK(cut.trailers == whole.trailers);
  }
  return whole;
}

}  // namespace

TEST_CASE("chunks are joined and bytes behind them left alone (RFC 9112 7.1)") {
  const std::string body = "5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n";
  const Decoded decoded = decode_all(body + "GET / HTTP/1.1\r\n");
  CHECK(decoded.done);
  CHECK(decoded.body == "hello world");
  CHECK(decoded.used == body.size());
  CHECK(decode_all("0\r\n\r\n").done);
}

TEST_CASE("sizes are hexadecimal in either case and may have zeros in front") {
  CHECK(decode_all("a\r\n0123456789\r\n0\r\n\r\n").body == "0123456789");
  CHECK(decode_all("0A\r\n0123456789\r\n00000\r\n\r\n").body == "0123456789");
  CHECK(decode_all("000000000000000a\r\n0123456789\r\n0\r\n\r\n").done);
}

TEST_CASE("data may hold anything") {
  CHECK(decode_all("7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n").body == "\r\n0\r\n\r\n");
  CHECK(decode_all("3\r\n\0\xff\n\r\n0\r\n\r\n"s).body == "\0\xff\n"s);
}

TEST_CASE("extensions are dropped (RFC 9112 7.1.1)") {
  CHECK(decode_all("5;a\r\nhello\r\n0;b=\"c;d\" ; e\r\n\r\n").body == "hello");
  CHECK(decode_all("5 \t;a=b\r\nhello\r\n0\r\n\r\n").body == "hello");
  CHECK(decode_all("5;\xff\r\nhello\r\n0\r\n\r\n").body == "hello");
}

TEST_CASE("trailers are kept in order with their duplicates (RFC 9112 7.1.2)") {
  const Decoded decoded = decode_all("0\r\nX-Sum:  1 \r\nx-sum: 2\r\nEmpty:\r\n\r\nrest");
  REQUIRE(decoded.done);
  CHECK(decoded.trailers == std::vector<std::pair<std::string, std::string>>{
                                {"X-Sum", "1"}, {"x-sum", "2"}, {"Empty", ""}});
}

TEST_CASE("malformed chunks are refused by name") {
  struct Row {
    std::string bytes;
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {"\r\n", "size is not hexadecimal"},
      {"\n", "size is not hexadecimal"},
      {";a\r\n", "size is not hexadecimal"},
      {" 5\r\nhello\r\n", "size is not hexadecimal"},
      {"+5\r\nhello\r\n", "size is not hexadecimal"},
      {"-1\r\n", "size is not hexadecimal"},
      {"0x5\r\nhello\r\n", "size is not hexadecimal"},
      {"g\r\n", "size is not hexadecimal"},
      {"5g\r\n", "size is not hexadecimal"},
      {"5\nhello\r\n0\r\n\r\n", "size is not hexadecimal"},
      {"5\0\r\n"s, "size is not hexadecimal"},
      {"5,\r\n", "size is not hexadecimal"},
      {"5 \n", "something else than an extension"},
      {"5 \rhello", "line does not end in CRLF"},
      {"5\v\r\nhello\r\n", "size is not hexadecimal"},
      {"5 x\r\nhello\r\n", "something else than an extension"},
      {"5;a \n", "extension contains control bytes"},
      {"5 5\r\nhello\r\n", "something else than an extension"},
      {"5\rXhello", "line does not end in CRLF"},
      {"5\r\rhello", "line does not end in CRLF"},
      {"5;a\nhello\r\n0\r\n\r\n", "extension contains control bytes"},
      {"5;a\0\r\nhello"s, "extension contains control bytes"},
      {"5;a\rb\r\nhello", "line does not end in CRLF"},
      {"5\r\nhello0\r\n\r\n", "longer than it said"},
      {"5\r\nhello\n0\r\n\r\n", "longer than it said"},
      {"5\r\nhello\r0\r\n\r\n", "does not end in CRLF"},
      {"5\r\nhello\r\r\n0\r\n\r\n", "does not end in CRLF"},
      {"4\r\nhello\r\n0\r\n\r\n", "longer than it said"},
      {"5\r\nhello\r\n\r\n", "size is not hexadecimal"},
      {"10000000000000000\r\n", "too large"},
      {"00000000000000005\r\nhello\r\n", "too large"},
      {"8000000000000000\r\n", "too large"},
      {"ffffffffffffffff\r\n", "too large"},
      {"0\r\nA: b\n\r\n", "LF without CR"},
      {"0\r\nA: b\rC: d\r\n\r\n", "CR stands without LF"},
      {"0\r\n\rX", "CR stands without LF"},
      {"0\r\n\n", "LF without CR"},
      {"0\r\nA: b\r\n c\r\n\r\n", "obs-fold"},
      {"0\r\n A: b\r\n\r\n", "obs-fold"},
      {"0\r\nA b: c\r\n\r\n", "white space"},
      {"0\r\nno colon\r\n\r\n", "no colon"},
      {"0\r\n: b\r\n\r\n", "name is empty"},
      {"0\r\nA: \0\r\n\r\n"s, "NUL"},
  }));
  CAPTURE(row.bytes);
  const Decoded response = decode_all(row.bytes, Kind::response);
  REQUIRE(response.error);
  CHECK(response.error->code == Errc::http_protocol_error);
  CHECK(response.error->side == Side::upstream);
  CHECK_THAT(response.error->text, Contains(row.text));
  const Decoded request = decode_all(row.bytes, Kind::request);
  REQUIRE(request.error);
  CHECK(request.error->code == Errc::http_request_error);
  CHECK(request.error->side == Side::client);
}

TEST_CASE("blanks may follow a size in a response, with which old servers pad it") {
  CHECK(decode_all("5   \r\nhello\r\n0   \r\n\r\n").body == "hello");
  CHECK(decode_all("5\t\r\nhello\r\n0\t\r\n\r\n").done);
  CHECK(decode_all("00000005 \t \r\nhello\r\n00000000 \r\nA: b\r\n\r\n").trailers.size() == 1);
  CHECK_FALSE(decode({"5" + std::string(1000, ' ') + "\r\nhello\r\n"}, Kind::response).error);
  CHECK(decode({"5" + std::string(1100, ' ')}, Kind::response).error);
  const std::string bytes = GENERATE("5 \r\nhello\r\n", "5\t\r\nhello\r\n", "0 \r\n\r\n");
  CHECK_THAT(decode_all(bytes, Kind::request).error.value().text,
             Contains("something else than an extension"));
}

TEST_CASE("RFC 9112 5.1: a blank before a trailer's colon is removed in a response only") {
  const Decoded decoded =
      decode_all("0\r\nA : b\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n");
  REQUIRE(decoded.done);
  REQUIRE(decoded.trailers.size() == 3);
  CHECK(decoded.trailers[0] == std::pair<std::string, std::string>("A", "b"));
  CHECK_THAT(decode_all("0\r\nA : b\r\n\r\n", Kind::request).error.value().text,
             Contains("white space"));
}

TEST_CASE("a body that is cut short is not done") {
  const std::string body = "5;x\r\nhello\r\n0\r\nA: b\r\n\r\n";
  for (std::size_t length = 0; length < body.size(); ++length) {
    const Decoded decoded = decode({body.substr(0, length)}, Kind::request);
    CHECK_FALSE(decoded.error);
    CHECK_FALSE(decoded.done);
  }
}

TEST_CASE("the largest size is accepted") {
  ChunkedDecoder decoder(Kind::request);
  CHECK(decoder.consume("7fffffffffffffff\r\n")->used == 18);
  CHECK(decoder.consume("data")->body == "data");
  CHECK_FALSE(decoder.done());
}

TEST_CASE("extensions and trailers have bounds") {
  CHECK_THAT(decode({"5;" + std::string(2000, 'x')}, Kind::request).error->text,
             Contains("extension is too long"));
  std::string wasteful;
  for (int i = 0; i < 100; ++i) wasteful += "1;" + std::string(900, 'x') + "\r\na\r\n";
  CHECK_THAT(decode({wasteful}, Kind::request).error->text, Contains("extensions are too long"));

  // Signatures of large chunks are no waste.
  std::string honest;
  for (int i = 0; i < 200; ++i) {
    honest += "400;signature=" + std::string(64, 'f') + "\r\n" + std::string(1024, 'd') + "\r\n";
  }
  CHECK_FALSE(decode({honest}, Kind::request).error);

  CHECK(decode({"0\r\nA: " + std::string(20'000, 'x')}, Kind::request).error);
  std::string many = "0\r\n";
  for (int i = 0; i < 65; ++i) many += "A: b\r\n";
  CHECK(decode({many + "\r\n"}, Kind::request).error);
}

TEST_CASE("many tiny chunks without extensions are fine") {
  std::string tiny;
  for (int i = 0; i < 10'000; ++i) tiny += "1\r\nx\r\n";
  const Decoded decoded = decode({tiny + "0\r\n\r\n"}, Kind::request);
  CHECK(decoded.done);
  CHECK(decoded.body.size() == 10'000);
}

TEST_CASE("a decoder is ready again after reset") {
  ChunkedDecoder decoder(Kind::request);
  CHECK(decoder.consume("0\r\nA: b\r\n\r\n")->used == 11);
  CHECK(decoder.done());
  CHECK(decoder.trailers().size() == 1);
  decoder.reset();
  CHECK_FALSE(decoder.done());
  CHECK(decoder.trailers().empty());
  CHECK(decoder.consume("2\r\nhi\r\n")->body == "hi");
}

TEST_CASE("chunks are written with their size in hexadecimal") {
  std::string out;
  append_chunk_start(255, out);
  append_chunk_start(0x7fff'ffff'ffff'ffff, out);
  CHECK(out == "ff\r\n7fffffffffffffff\r\n");
}

TEST_CASE("the last chunk carries trailers that do no harm (RFC 9110 6.5.1)") {
  std::string out;
  append_last_chunk({}, out);
  CHECK(out == "0\r\n\r\n");
  out.clear();
  append_last_chunk({{"X-Sum", "1"},
                     {"Content-Length", "5"},
                     {"transfer-encoding", "chunked"},
                     {"Host", "evil"},
                     {"Authorization", "x"},
                     {"Set-Cookie", "a=b"},
                     {"Content-Type", "x"},
                     {"x-sum", "2"}},
                    out);
  CHECK(out == "0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n");
}
