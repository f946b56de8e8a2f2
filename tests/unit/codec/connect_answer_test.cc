#include "codec/connect_answer.h"

#include <string>

#include "support/catch.h"
#include "support/cuts.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::string_literals;

namespace {

/// The end of the head in `bytes`, its fault, or "more": the same however they arrive.
std::string scan(const std::string& bytes) {
  std::string result;
  for (const Pieces& pieces : cuttings(bytes)) {
    ConnectAnswerScanner scanner;
    std::string buffer;
    std::string now = "more";
    for (const std::string_view piece : pieces) {
      buffer += piece;
      const auto end = scanner.scan(buffer);
      if (end && !*end) continue;
      now = end ? std::to_string(**end) : std::string(end.error());
      break;
    }
    if (result.empty()) result = now;
    CHECK(now == result);
  }
  return result;
}

std::string status_of(std::string_view line) {
  ResponseHead head;
  const auto fine = parse_connect_status(line, head);
  if (!fine) return std::string(fine.error());
  return std::to_string(head.minor) + " " + std::to_string(head.status) + " [" +
         std::string(head.reason) + "]";
}

std::string fields_of(std::string head) {
  ResponseHead answer;
  parse_connect_fields(head, answer);
  std::string all;
  for (const Field& field : answer.fields) {
    all.append("[").append(field.name).append("=").append(field.value).append("]");
  }
  return all;
}

}  // namespace

TEST_CASE("the head ends with the first empty line, whatever ends its lines") {
  CHECK(scan("HTTP/1.1 200 OK\r\n\r\nrest") == "19");
  CHECK(scan("HTTP/1.1 200 OK\n\nrest") == "17");
  CHECK(scan("HTTP/1.1 200 OK\n\r\n\n") == "18");
  CHECK(scan("HTTP/1.1 200 OK\r\n\n\r\n") == "18");
  CHECK(scan("HTTP/1.1 200 OK\r\nA: \0\x01\xff\r\r\n\r\n"s) == "28");
  CHECK(scan("HTTP/1.1 200 OK\n \n\t\r\n\nx") == "22");
  CHECK(scan("HTTP/1.1 200 OK\r\r\n\n") == "19");
  CHECK(scan("HTTP/1.1 200 OK\r\n") == "more");
  CHECK(scan("HTTP/1.1 200 OK\r\n\r") == "more");
}

TEST_CASE("a line that ends the head for some readers only is refused") {
  CHECK(scan("HTTP/1.1 200 OK\r\n\r\r\n") == "a CR stands without LF");
  CHECK(scan("HTTP/1.1 200 OK\n\rA: b\n\n") == "a CR stands without LF");
}

TEST_CASE("a head has a most size, to the byte") {
  const std::string longest = "HTTP/1.1 200 OK\n" + std::string(65536 - 18, 'a') + "\n\n";
  CHECK(scan(longest + "tunnel") == "65536");
  CHECK(scan("x" + longest) == "the head is longer than 65536 bytes");
  CHECK(scan(std::string(65536, 'a')) == "more");
  CHECK(scan(std::string(65537, 'a')) == "the head is longer than 65536 bytes");
}

TEST_CASE("a status line is what both Go and curl take for one") {
  CHECK(status_of("HTTP/1.1 200 OK\r\n\r\n") == "1 200 [OK]");
  CHECK(status_of("HTTP/1.0 200\n\n") == "0 200 []");
  CHECK(status_of("HTTP/1.1 200 \r\n\r\n") == "1 200 []");
  CHECK(status_of("HTTP/1.1   407  Who  are \t\r\n\r\n") == "1 407 [Who  are]");
  CHECK(status_of("HTTP/1.9 999 \xc3\x01\n\n") == "1 999 [\xc3\x01]");
  const std::string version = "the HTTP version is neither 1.1 nor 1.0";
  for (const char* line : {"HTTP/2.0 200 OK\n", "http/1.1 200 OK\n", "HTTP/1.10 200 OK\n",
                           "HTTP/1. 200 OK\n", "HTTP/1.x 200 OK\n", "HTTP/1.1\t200 OK\n", "\n"}) {
    CAPTURE(line);
    CHECK(status_of(line) == version);
  }
  CHECK(status_of("HTTP/1.1 \r\n") == "the status line has no status code");
  for (const char* code : {"20", "2000", "200OK", "200\tOK", "099", "-20", "+20", "2 0"}) {
    CAPTURE(code);
    CHECK(status_of(std::string("HTTP/1.1 ") + code + "\r\n\r\n") ==
          "the status code is not a number from 100 to 999");
  }
}

TEST_CASE("fields of a refusal are read although they are malformed") {
  CHECK(fields_of("HTTP/1.1 403 No\r\nA: b\r\nC : d \r\n\r\n") == "[A=b][C=d]");
  CHECK(fields_of("HTTP/1.1 403 No\nA: b\n  c\n\td\nE:\n f\n\n") == "[A=b   c \td][E=f]");
  CHECK(fields_of("HTTP/1.1 403 No\r\nA: b\r\n \r\n\r\n") == "[A=b]");
  CHECK(fields_of("HTTP/1.1 403 No\r\n first: x\r\nno field\r\n: y\r\n\r\n") == "[first=x][=y]");
  CHECK(fields_of("HTTP/1.1 403 No\r\n\r\n") == "");
  std::string many = "HTTP/1.1 403 No\n";
  for (int i = 0; i < 300; ++i) many += "a:\n";
  CHECK(fields_of(many + "\n").size() == 200 * std::string("[a=]").size());
}
