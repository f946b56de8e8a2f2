#include "codec/http_head.h"

#include <string>

#include "support/catch.h"

using namespace culvert;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

const std::string kGet = "GET http://a/ HTTP/1.1\r\n";

/// Keeps the bytes that the views of `head` point into.
struct ParsedRequest {
  explicit ParsedRequest(std::string text) : bytes(std::move(text)) {
    REQUIRE(parse_request_head(bytes, HeadLimits{}, head).ok());
  }
  std::string bytes;
  RequestHead head;
};

std::optional<Error> request_error(const std::string& head, const HeadLimits& limits = {}) {
  RequestHead parsed;
  const auto result = parse_request_head(head, limits, parsed);
  if (result) return std::nullopt;
  CHECK(result.error().side == Side::client);
  return result.error();
}

std::optional<Error> response_error(const std::string& head) {
  ResponseHead parsed;
  const auto result = parse_response_head(head, HeadLimits{}, parsed);
  if (result) return std::nullopt;
  CHECK(result.error().side == Side::upstream);
  CHECK(result.error().code == Errc::http_protocol_error);
  return result.error();
}

}  // namespace

TEST_CASE("a request head comes apart into views") {
  const std::string head =
      "POST http://a/b?c=d HTTP/1.0\r\nHost:a\r\nX-One:  1 \t\r\nx-one:\r\nCookie: a=b; c=\"d\"\r\n"
      "\r\n";
  RequestHead parsed;
  REQUIRE(parse_request_head(head, HeadLimits{}, parsed).ok());
  CHECK(parsed.method == "POST");
  CHECK(parsed.target == "http://a/b?c=d");
  CHECK(parsed.major == 1);
  CHECK(parsed.minor == 0);
  REQUIRE(parsed.fields.size() == 4);
  CHECK(parsed.fields[0].name == "Host");
  CHECK(parsed.fields[0].value == "a");
  CHECK(parsed.fields[1].name == "X-One");
  CHECK(parsed.fields[1].value == "1");
  CHECK(parsed.fields[2].name == "x-one");
  CHECK(parsed.fields[2].value.empty());
  CHECK(parsed.fields[3].value == "a=b; c=\"d\"");
  CHECK(parsed.find("X-ONE") == &parsed.fields[1]);
  CHECK(parsed.find("X-Two") == nullptr);
  CHECK(parsed.method.data() == head.data());
}

TEST_CASE("a head object is used again for the next head") {
  const std::string first = kGet + "A: 1\r\nB: 2\r\n\r\n";
  const std::string second = "PUT http://b/ HTTP/1.1\r\nC: 3\r\n\r\n";
  RequestHead parsed;
  REQUIRE(parse_request_head(first, HeadLimits{}, parsed).ok());
  const Field* storage = parsed.fields.data();
  REQUIRE(parse_request_head(second, HeadLimits{}, parsed).ok());
  CHECK(parsed.fields.size() == 1);
  CHECK(parsed.fields.data() == storage);
  CHECK(parsed.method == "PUT");
}

TEST_CASE("every method that is a token passes (RFC 9110 9.1)") {
  const auto method = GENERATE(values<std::string>(
      {"GET", "CONNECT", "M-SEARCH", "QUERY", "get", "DESCRIBE", "SOURCE", "PRI", "X",
       "!#$%&'*+-.^_`|~", "BASELINE-CONTROL", "UPDATEREDIRECTREF"}));
  const ParsedRequest parsed(method + " http://a/ HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(parsed.head.method == method);
}

TEST_CASE("targets of every form pass unchanged") {
  const auto target = GENERATE(values<std::string>(
      {"*", "/", "gcr.io:443", "[::1]:443", "http://a", "http://a?b", "HTTP://A:80/%7e;a=b,c|{}",
       "ftp://a/", "//a", "?", "http://u:p@a/", "x", "http://a/#f", "http://a/\"<>\\^`"}));
  const ParsedRequest parsed("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(parsed.head.target == target);
}

TEST_CASE("bad request lines are refused by name") {
  struct Row {
    std::string line;
    Errc code;
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {"GET http://a/", Errc::http_request_error, "has no HTTP version"},
      {"GET", Errc::http_request_error, "has no HTTP version"},
      {"", Errc::http_request_error, "not a token"},
      {" GET http://a/ HTTP/1.1", Errc::http_request_error, "not a token"},
      {"GE\tT http://a/ HTTP/1.1", Errc::http_request_error, "tab"},
      {"GET\thttp://a/ HTTP/1.1", Errc::http_request_error, "tab"},
      {"GET http://a/\tHTTP/1.1", Errc::http_request_error, "tab"},
      {"G(T http://a/ HTTP/1.1", Errc::http_request_error, "not a token"},
      {"G\xc3T http://a/ HTTP/1.1", Errc::http_request_error, "not a token"},
      {"GET:http://a/ HTTP/1.1", Errc::http_request_error, "not a token"},
      {"GET  HTTP/1.1", Errc::http_request_error, "two spaces in a row"},
      {"GET  http://a/ HTTP/1.1", Errc::http_request_error, "more than two spaces"},
      {"GET http://a/  HTTP/1.1", Errc::http_request_error, "more than two spaces"},
      {"GET http://a/ b HTTP/1.1", Errc::http_request_error, "more than two spaces"},
      {"GET http://a/ HTTP/1.1 ", Errc::http_request_error, "version is malformed"},
      {"GET http://a/ HTTP/1.1 HTTP/1.1", Errc::http_request_error, "more than two spaces"},
      {"GET http://a/\x01 HTTP/1.1", Errc::http_request_error, "control bytes"},
      {"GET http://a/\0 HTTP/1.1"s, Errc::http_request_error, "control bytes"},
      {"GET http://a/\x7f HTTP/1.1", Errc::http_request_error, "control bytes"},
      {"GET http://a/\r HTTP/1.1", Errc::http_request_error, "control bytes"},
      {"GET http://a/ http/1.1", Errc::http_request_error, "version is malformed"},
      {"GET http://a/ HTTP/1.", Errc::http_request_error, "version is malformed"},
      {"GET http://a/ HTTP/1.1.1", Errc::http_request_error, "version is malformed"},
      {"GET http://a/ HTTP/01.1", Errc::http_request_error, "version is malformed"},
      {"GET http://a/ HTTP/1,1", Errc::http_request_error, "version is malformed"},
      {"GET http://a/ HTTP/11", Errc::http_request_error, "version is malformed"},
      {"GET http://a/ XTTP/1.1", Errc::http_request_error, "version is malformed"},
      {"GET http://a/ HTTP/0.9", Errc::version_not_supported, "neither 1.1 nor 1.0"},
      {"GET http://a/ HTTP/3.1", Errc::version_not_supported, "neither 1.1 nor 1.0"},
      {"GET http://a/ HTTP/2.0", Errc::version_not_supported, "neither 1.1 nor 1.0"},
      {"PRI * HTTP/2.0", Errc::version_not_supported, "neither 1.1 nor 1.0"},
      {std::string(65, 'G') + " http://a/ HTTP/1.1", Errc::method_not_implemented, "too long"},
      {"GET http://" + std::string(17'000, 'a') + " HTTP/1.1", Errc::http_uri_too_long, "too long"},
  }));
  CAPTURE(row.line);
  const auto error = request_error(row.line + "\r\nHost: a\r\n\r\n");
  REQUIRE(error);
  CHECK(error->code == row.code);
  CHECK_THAT(error->text, Contains(row.text));
}

TEST_CASE("a request line is parsed alone, as in its head") {
  RequestHead head;
  REQUIRE(parse_request_line("CONNECT gcr.io:443 HTTP/1.0", HeadLimits{}, head));
  CHECK(head.method == "CONNECT");
  CHECK(head.target == "gcr.io:443");
  CHECK(head.minor == 0);
  for (const char* line :
       {"", "CONNECT gcr.io:443", "CONNECT gcr.io:443 HTTP/1.1\n", "\x16\x03\x01"}) {
    CHECK_FALSE(parse_request_line(line, HeadLimits{}, head));
  }
}

TEST_CASE("RFC 9110 5.6.3: white space around a value is spaces and tabs") {
  const auto around = GENERATE(table<std::string, std::string>(
      {{"\t", ""}, {" ", "\t"}, {"", " \t \t"}, {"\t \t", "\t\t "}}));
  const auto field = GENERATE(table<std::string, std::string>(
      {{"Content-Length", "2"}, {"Transfer-Encoding", "chunked"}, {"X", "a\tb"}}));
  // No structured binding: a lambda may not use one in clang before 16.
  const std::string& name = std::get<0>(field);
  const std::string& value = std::get<1>(field);
  const std::string line = name + ":" + std::get<0>(around) + value + std::get<1>(around) + "\r\n";
  const std::string fields = "Host: a\t\r\n" + line + "Last: \t\r\n\r\n";
  CAPTURE(line);
  const auto check = [&](const MessageHead& head) {
    REQUIRE(head.fields.size() == 3);
    CHECK(head.fields[0].value == "a");
    CHECK(head.fields[1].name == name);
    CHECK(head.fields[1].value == value);
    CHECK(head.fields[2].value.empty());
  };
  const std::string text = "POST http://a/ HTTP/1.1\r\n" + fields;
  RequestHead request;
  REQUIRE(parse_request_head(text, HeadLimits{}, request));
  check(request);
  CHECK(request.fields[1].name.data() == text.data() + text.find(name));
  const std::string answered = "HTTP/1.1 200 OK\r\n" + fields;
  ResponseHead response;
  REQUIRE(parse_response_head(answered, HeadLimits{}, response));
  check(response);
}

TEST_CASE("RFC 9110 8.6: a tab within a number is no white space") {
  const auto error =
      request_error("POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 2\t3\r\n\r\n");
  REQUIRE(error);
  CHECK_THAT(error->text, Contains("not one number"));
}

TEST_CASE("RFC 9110 2.5: a version later than 1.1 is taken as 1.1") {
  const std::string version = GENERATE("HTTP/1.2", "HTTP/1.9");
  RequestHead request;
  REQUIRE(parse_request_head("GET http://a/ " + version + "\r\nHost: a\r\n\r\n", HeadLimits{},
                             request));
  CHECK(request.minor == 1);
  ResponseHead response;
  REQUIRE(parse_response_head(version + " 404 No\r\nContent-Length: 2\r\n\r\n", HeadLimits{},
                              response));
  CHECK(response.minor == 1);
  CHECK(response.status == 404);
  CHECK_FALSE(parse_response_head(version + " 404 No\r\nContent Length: 2\r\n\r\n", HeadLimits{},
                                  response));
}

TEST_CASE("bad field lines are refused by name in both directions") {
  struct Row {
    std::string line;
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {" Host: a", "obs-fold"},
      {" Host : a", "obs-fold"},
      {" : a", "obs-fold"},
      {"\tHost: a", "obs-fold"},
      {"Ho st: a", "white space"},
      {"Ho st : a", "white space"},
      {"Ho(st : a", "not a token"},
      {"Host\v: a", "not a token"},
      {"Host ", "no colon"},
      {": a", "name is empty"},
      {":", "name is empty"},
      {"Host", "no colon"},
      {"Ho(st: a", "not a token"},
      {"H\xc3st: a", "not a token"},
      {"\xef\xbb\xbfHost: a", "not a token"},
      {"Ho\0st: a"s, "not a token"},
      {"\"Host\": a", "not a token"},
      {"Ho\rst: a", "not a token"},
      {"Host: a\0b"s, "control bytes"},
      {"Host: a\rb", "control bytes"},
      {"Host: a\r", "control bytes"},
      {"Host: \ra", "control bytes"},
      {"Host: a\nb", "control bytes"},
      {"Host: a\nTransfer-Encoding: chunked", "control bytes"},
      {"Host: \x01", "control bytes"},
      {"Host: \x7f", "control bytes"},
      {"A: b\r\n c", "obs-fold"},
  }));
  CAPTURE(row.line);
  for (const std::string& lines : {"A: b\r\n" + row.line, row.line, row.line + "\r\nA: b"}) {
    const auto request = request_error(kGet + lines + "\r\n\r\n");
    REQUIRE(request);
    CHECK(request->code == Errc::http_request_error);
    CHECK_THAT(request->text, Contains(row.text));
    const auto response = response_error("HTTP/1.1 200 OK\r\n" + lines + "\r\n\r\n");
    REQUIRE(response);
    CHECK_THAT(response->text, Contains(row.text));
  }
}

TEST_CASE("RFC 9112 5.1: a blank before the colon is a mistake in a request") {
  const std::string line = GENERATE("Host : a", "Host\t: a", "Host \t : a", "Content-Length : 2");
  const auto error = request_error(kGet + line + "\r\n\r\n");
  REQUIRE(error);
  CHECK(error->code == Errc::http_request_error);
  CHECK_THAT(error->text, Contains("white space"));
}

TEST_CASE("RFC 9112 5.1: blanks before the colon are removed from a response") {
  const std::string blanks = GENERATE(" ", "\t", " \t  ");
  const std::string head = "HTTP/1.1 200 OK\r\nServer: x\r\nX-One" + blanks +
                           ": 1; a:b \t\r\nEmpty" + blanks + ":\r\nContent-Length" + blanks +
                           ":\t2\t\r\nLast: y\r\n\r\n";
  ResponseHead parsed;
  REQUIRE(parse_response_head(head, HeadLimits{}, parsed));
  REQUIRE(parsed.fields.size() == 5);
  CHECK(parsed.fields[1].name == "X-One");
  CHECK(parsed.fields[1].value == "1; a:b");
  CHECK(parsed.fields[2].name == "Empty");
  CHECK(parsed.fields[2].value.empty());
  CHECK(parsed.fields[3].name == "Content-Length");
  CHECK(parsed.fields[3].value == "2");
  CHECK(parsed.fields[3].name.data() == head.data() + head.find("Content-Length"));
  for (const Field& field : parsed.fields) {
    CHECK(field.blank_before_colon == (field.name != "Server" && field.name != "Last"));
  }
}

TEST_CASE("the framing fields of a response are for response_framing() to judge") {
  const std::string lines =
      GENERATE("Content-Length: x\r\nServer: y\r\n", "content-length: 5\r\nContent-Length: 6\r\n",
               "Transfer-Encoding: chunked\r\nContent-Length : 5\r\n",
               "Transfer-Encoding: ,\r\nTransfer-Encoding: chunked, gzip\r\n");
  CAPTURE(lines);
  const std::string head = "HTTP/1.1 200 OK\r\n" + lines + "\r\n";
  ResponseHead parsed;
  REQUIRE(parse_response_head(head, HeadLimits{}, parsed));
  REQUIRE(parsed.fields.size() == 2);
  CHECK(parsed.fields[0].name == lines.substr(0, lines.find(':')));
  CHECK(parsed.fields[0].name.data() == head.data() + 17);
  CHECK(request_error(kGet + lines + "\r\n").has_value());
}

TEST_CASE("field values pass as they are, obs-text included") {
  const auto value = GENERATE(
      values<std::string>({"", "a", "a\tb", "a  b", "\xff\x80", "a: b", "\"q\\\"q\"", "chunked"}));
  const ParsedRequest parsed(kGet + "X:\t " + value + " \r\nConnection: " + value + "\r\n\r\n");
  CHECK(parsed.head.fields[0].value == value);
  CHECK(parsed.head.fields[1].value == value);
}

TEST_CASE("only the very end of a head ends it") {
  CHECK(request_error(kGet));
  CHECK(request_error(kGet + "A: b\r\n"));
  CHECK(request_error(kGet + "A: b\r\n\r\nmore"));
  CHECK(request_error(kGet + "A: b\r\n\r\n\r\n"));
  CHECK(request_error(""));
  CHECK_FALSE(request_error(kGet + "\r\n"));
}

TEST_CASE("too many fields are refused") {
  const HeadLimits limits{.bytes = 1000, .target = 100, .fields = 3};
  const std::string three = kGet + "A: 1\r\nB: 2\r\nC: 3\r\n";
  CHECK_FALSE(request_error(three + "\r\n", limits));
  CHECK(request_error(three + "D: 4\r\n\r\n", limits)->code == Errc::http_request_too_large);
}

TEST_CASE("a response head comes apart into views") {
  struct Row {
    const char* line;
    int minor;
    int status;
    const char* reason;
  };
  const auto row = GENERATE(values<Row>({
      {"HTTP/1.1 200 OK", 1, 200, "OK"},
      {"HTTP/1.0 404 Not Found", 0, 404, "Not Found"},
      {"HTTP/1.1 200", 1, 200, ""},
      {"HTTP/1.1 200 ", 1, 200, ""},
      {"HTTP/1.1 999  two  spaces ", 1, 999, " two  spaces "},
      {"HTTP/1.1 500 caf\xe9\t!", 1, 500, "caf\xe9\t!"},
      {"HTTP/1.1 101 Switching Protocols", 1, 101, "Switching Protocols"},
  }));
  ResponseHead parsed;
  const std::string head = row.line + "\r\nServer: x\r\nDate:\r\n\r\n"s;
  REQUIRE(parse_response_head(head, HeadLimits{}, parsed).ok());
  CHECK(parsed.minor == row.minor);
  CHECK(parsed.status == row.status);
  CHECK(parsed.reason == row.reason);
  REQUIRE(parsed.fields.size() == 2);
  CHECK(parsed.fields[0].value == "x");
}

TEST_CASE("bad status lines are refused by name") {
  struct Row {
    std::string line;
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {"HTTP/1.1", "no status code"},
      {"HTTP/1.1 ", "status code is not a number"},
      {"HTTP/1.1 20", "status code is not a number"},
      {"HTTP/1.1 2000 OK", "status code is not a number"},
      {"HTTP/1.1 099 OK", "status code is not a number"},
      {"HTTP/1.1 +20 OK", "status code is not a number"},
      {"HTTP/1.1  200 OK", "status code is not a number"},
      {"HTTP/1.1 20x OK", "status code is not a number"},
      {"HTTP/1.1 200OK", "status code is not a number"},
      {"HTTP/1.1 200\tOK", "status code is not a number"},
      {"HTTP/1.1 200 O\rK", "control bytes"},
      {"HTTP/1.1 200 O\0K"s, "control bytes"},
      {"HTTP/1.1 200 \x1b[0m", "control bytes"},
      {"HTTP/2.0 200 OK", "neither 1.1 nor 1.0"},
      {"HTTP/0.9 200 OK", "neither 1.1 nor 1.0"},
      {"http/1.1 200 OK", "version is malformed"},
      {"ICY 200 OK", "version is malformed"},
      {"HTTP/1.1\t200 OK", "version is malformed"},
      {"", "no status code"},
  }));
  CAPTURE(row.line);
  const auto error = response_error(row.line + "\r\nA: b\r\n\r\n");
  REQUIRE(error);
  CHECK_THAT(error->text, Contains(row.text));
}
