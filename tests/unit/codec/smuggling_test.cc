// Messages that two readers may understand differently, in both directions. Each is refused before
// a byte of it goes on, or goes on in a form that leaves one meaning.

#include <string>
#include <vector>

#include "support/catch.h"
#include "support/forwarding.h"
#include "support/strict_http.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::string_literals;

namespace {

struct Vector {
  const char* clause;
  std::string bytes;  ///< behind the start line
};

const std::string kPost = "POST http://a/ HTTP/1.1\r\nHost: a\r\n";
const std::string kHello = "\r\n\r\n5\r\nhello\r\n0\r\n\r\n";

/// Vectors that are refused in requests and in responses.
std::vector<Vector> hostile_in_both_directions() {
  const std::string chunked = "Transfer-Encoding: chunked";
  return {
      {"RFC 9112 6.3 rule 3 length then coding", "Content-Length: 5\r\n" + chunked + kHello},
      {"RFC 9112 6.3 rule 3 coding then length", chunked + "\r\nContent-Length: 5" + kHello},
      {"RFC 9112 6.3 rule 3 length of zero", "Content-Length: 0\r\n" + chunked + kHello},
      {"RFC 9112 6.3 rule 5 differing lengths",
       "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"},
      {"RFC 9112 6.3 rule 5 equal lengths", "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"},
      {"RFC 9110 8.6 list of lengths", "Content-Length: 5, 5\r\n\r\nhello"},
      {"RFC 9110 8.6 list of differing lengths", "Content-Length: 5, 6\r\n\r\nhello!"},
      {"RFC 9110 8.6 sign", "Content-Length: +5\r\n\r\nhello"},
      {"RFC 9110 8.6 negative", "Content-Length: -5\r\n\r\nhello"},
      {"RFC 9110 8.6 hexadecimal", "Content-Length: 0x5\r\n\r\nhello"},
      {"RFC 9110 8.6 inner space", "Content-Length: 1 5\r\n\r\nhello"},
      {"RFC 9110 8.6 fraction", "Content-Length: 5.0\r\n\r\nhello"},
      {"RFC 9110 8.6 empty", "Content-Length:\r\n\r\nhello"},
      {"RFC 9110 8.6 beyond 64 bits", "Content-Length: 18446744073709551621\r\n\r\nhello"},
      {"RFC 9110 8.6 beyond 63 bits", "Content-Length: 9223372036854775808\r\n\r\nhello"},
      {"RFC 9112 6.1 chunked not last", "Transfer-Encoding: chunked, gzip" + kHello},
      {"RFC 9112 6.1 chunked twice", "Transfer-Encoding: chunked, chunked" + kHello},
      {"RFC 9112 6.1 chunked in two fields", chunked + "\r\n" + chunked + kHello},
      {"RFC 9112 6.1 identity behind chunked",
       chunked + "\r\nTransfer-Encoding: identity" + kHello},
      {"RFC 9112 6.1 identity", "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello"},
      {"RFC 9112 6.1 unknown coding", "Transfer-Encoding: gzip, chunked" + kHello},
      {"RFC 9112 7 misspelt coding", "Transfer-Encoding: xchunked" + kHello},
      {"RFC 9112 7 coding with a parameter", "Transfer-Encoding: chunked;q=1" + kHello},
      {"RFC 9112 7 quoted coding", "Transfer-Encoding: \"chunked\"" + kHello},
      {"RFC 9112 7 coding with a comma", "Transfer-Encoding: ,chunked" + kHello},
      {"RFC 9112 7 coding with a vertical tab",
       "Transfer-Encoding: \x0b"
       "chunked" +
           kHello},
      {"RFC 9112 7 coding behind a bare CR", "Transfer-Encoding: \rchunked" + kHello},
      {"RFC 9112 7 empty coding", "Transfer-Encoding:" + kHello},
      {"RFC 9112 5.1 space within the name", "Transfer Encoding: chunked" + kHello},
      {"RFC 9112 5.2 folded coding", "Transfer-Encoding:\r\n chunked" + kHello},
      {"RFC 9112 5.2 fold hides a field", "X: y\r\n Transfer-Encoding: chunked" + kHello},
      {"RFC 9112 5.2 tab fold", "X: y\r\n\tz\r\nContent-Length: 5\r\n\r\nhello"},
      {"RFC 9112 2.2 space before the first field", " X: y\r\nContent-Length: 5\r\n\r\nhello"},
      {"RFC 9112 2.2 bare LF ends a line", "X: y\nTransfer-Encoding: chunked" + kHello},
      {"RFC 9112 2.2 bare LF ends the head", "Content-Length: 5\n\nhello"},
      {"RFC 9112 2.2 CRLF and LF end the head", "Content-Length: 5\r\n\nhello"},
      {"RFC 9112 2.2 bare CR ends a line", "X: y\rTransfer-Encoding: chunked" + kHello},
      {"RFC 9112 2.2 two CRs", "X: y\r\r\nContent-Length: 5\r\n\r\nhello"},
      {"RFC 9112 2.2 bare CR ends the head", "Content-Length: 5\r\n\rhello"},
      {"RFC 9110 5.5 NUL in a value", "X: y\0z\r\nContent-Length: 5\r\n\r\nhello"s},
      {"RFC 9110 5.1 NUL in a name", "Content-Length\0: 5\r\n\r\nhello"s},
      {"RFC 9110 5.5 control byte", "X: \x1f\r\nContent-Length: 5\r\n\r\nhello"},
      {"RFC 9110 5.1 empty name", ": x\r\nContent-Length: 5\r\n\r\nhello"},
      {"RFC 9110 5.1 no colon", "Content-Length 5\r\nX: y\r\n\r\nhello"},
      {"RFC 9110 5.1 name with obs-text", "Content-Length\xa0: 5\r\n\r\nhello"},
      {"RFC 9110 5.1 byte order mark",
       "\xef\xbb\xbf"
       "Content-Length: 5\r\n\r\nhello"},
      {"RFC 9112 7.1 size overflows", chunked + "\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n"},
      {"RFC 9112 7.1 size of 64 bits", chunked + "\r\n\r\nffffffffffffffff\r\nhello\r\n0\r\n\r\n"},
      {"RFC 9112 7.1 size with a sign", chunked + "\r\n\r\n+5\r\nhello\r\n0\r\n\r\n"},
      {"RFC 9112 7.1 size with 0x", chunked + "\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n"},
      {"RFC 9112 7.1 size with a space before", chunked + "\r\n\r\n 5\r\nhello\r\n0\r\n\r\n"},
      {"RFC 9112 7.1 size with a space within", chunked + "\r\n\r\n0 5\r\nhello\r\n0\r\n\r\n"},
      {"RFC 9112 7.1 size with a space before its LF", chunked + "\r\n\r\n5 \nhello\r\n0\r\n\r\n"},
      {"RFC 9112 5.1 spaces within the name and before the colon",
       "Transfer Encoding : chunked" + kHello},
      {"RFC 9112 7.1 size missing", chunked + "\r\n\r\n\r\nhello\r\n0\r\n\r\n"},
      {"RFC 9112 7.1 size ends in LF", chunked + "\r\n\r\n5\nhello\r\n0\r\n\r\n"},
      {"RFC 9112 7.1 size ends in CR", chunked + "\r\n\r\n5\rhello\r\n0\r\n\r\n"},
      {"RFC 9112 7.1 data too long", chunked + "\r\n\r\n5\r\nhello!\r\n0\r\n\r\n"},
      {"RFC 9112 7.1 data too short", chunked + "\r\n\r\n5\r\nhell\r\n0\r\n\r\n"},
      {"RFC 9112 7.1 data ends in LF", chunked + "\r\n\r\n5\r\nhello\n0\r\n\r\n"},
      {"RFC 9112 7.1 data without end", chunked + "\r\n\r\n5\r\nhello0\r\n\r\n"},
      {"RFC 9112 7.1.1 extension ends in LF", chunked + "\r\n\r\n5;a\nhello\r\n0\r\n\r\n"},
      {"RFC 9112 7.1.1 extension holds a CR", chunked + "\r\n\r\n5;a\rb\r\nhello\r\n0\r\n\r\n"},
      {"RFC 9112 7.1.2 trailers end in LF", chunked + "\r\n\r\n0\r\nX: y\n\n"},
      {"RFC 9112 7.1.2 folded trailer", chunked + "\r\n\r\n0\r\nX: y\r\n z\r\n\r\n"},
      {"RFC 9112 7.1.2 trailer without colon", chunked + "\r\n\r\n0\r\nGET / HTTP/1.1\r\n\r\n"},
      {"RFC 9110 7.6.1 too many connection options",
       "Connection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q\r\nContent-Length: 5\r\n\r\nhello"},
  };
}

/// Whole requests that are refused.
std::vector<Vector> hostile_requests() {
  const std::string host = "\r\nHost: a\r\n";
  return {
      {"RFC 9112 5.1 space before the colon", kPost + "Transfer-Encoding : chunked" + kHello},
      {"RFC 9112 5.1 tab before the colon", kPost + "Transfer-Encoding\t: chunked" + kHello},
      {"RFC 9112 7.1 size with a space behind",
       kPost + "Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n"},
      {"RFC 9112 7.1.2 space before a trailer's colon",
       kPost + "Transfer-Encoding: chunked\r\n\r\n0\r\nX : y\r\n\r\n"},
      {"RFC 9112 3 tab in the request line", "GET\thttp://a/\tHTTP/1.1" + host + "\r\n"},
      {"RFC 9112 3 two spaces", "GET  http://a/ HTTP/1.1" + host + "\r\n"},
      {"RFC 9112 3 space in the target", "GET http://a/ b HTTP/1.1" + host + "\r\n"},
      {"RFC 9112 3 space behind the version", "GET http://a/ HTTP/1.1 " + host + "\r\n"},
      {"RFC 9112 3 request line inside the target",
       "GET http://a/ HTTP/1.1\r\n\r\nGET http://b/ HTTP/1.1"s.substr(0, 24) + " x" + host +
           "\r\n"},
      {"RFC 9112 3 bare LF behind the request line", "GET http://a/ HTTP/1.1\nHost: a\r\n\r\n"},
      {"RFC 9112 3 bare CR in the request line", "GET http://a/\rb HTTP/1.1" + host + "\r\n"},
      {"RFC 9112 2.3 lower-case version", "GET http://a/ http/1.1" + host + "\r\n"},
      {"RFC 9112 2.3 version with leading zero", "GET http://a/ HTTP/01.1" + host + "\r\n"},
      {"RFC 9112 2.3 no version", "GET http://a/\r\n\r\n"},
      {"RFC 9112 2.3 HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"RFC 9112 2.2 space before the request", " GET http://a/ HTTP/1.1" + host + "\r\n"},
      {"RFC 9112 3.2 no Host", "GET http://a/ HTTP/1.1\r\n\r\n"},
      {"RFC 9112 3.2 two Hosts", "GET http://a/ HTTP/1.1" + host + "Host: b\r\n\r\n"},
      {"RFC 9112 3.2 two equal Hosts", "GET http://a/ HTTP/1.1" + host + "Host: a\r\n\r\n"},
      {"RFC 9112 3.2 list in Host", "GET http://a/ HTTP/1.1\r\nHost: a, b\r\n\r\n"},
      {"RFC 9112 3.2 userinfo in Host", "GET http://a/ HTTP/1.1\r\nHost: a@b\r\n\r\n"},
      {"RFC 9110 4.2.4 userinfo", "GET http://b@a/ HTTP/1.1" + host + "\r\n"},
      {"RFC 9110 4.2.4 userinfo behind a backslash", "GET http://b\\@a/ HTTP/1.1" + host + "\r\n"},
      {"RFC 3986 3.2.2 backslash in the host", "GET http://a\\b/ HTTP/1.1" + host + "\r\n"},
      {"RFC 3986 3.2.2 encoded host", "GET http://%61/ HTTP/1.1" + host + "\r\n"},
      {"RFC 3986 3.2.2 non-ASCII host", "GET http://\xc3\xa4/ HTTP/1.1" + host + "\r\n"},
      {"RFC 3986 3.2.2 empty host", "GET http:///a HTTP/1.1" + host + "\r\n"},
      {"RFC 3986 3.2.2 number as address", "GET http://2130706433/ HTTP/1.1" + host + "\r\n"},
      {"RFC 3986 3.5 fragment", "GET http://a/#b HTTP/1.1" + host + "\r\n"},
      {"RFC 9112 3.2.1 origin-form", "GET / HTTP/1.1" + host + "\r\n"},
      {"RFC 9112 3.2.1 authority in origin-form", "GET //a/ HTTP/1.1" + host + "\r\n"},
      {"RFC 9110 9.1 method is no token", "G@T http://a/ HTTP/1.1" + host + "\r\n"},
      {"RFC 9112 6.1 coding in HTTP/1.0",
       "POST http://a/ HTTP/1.0\r\nTransfer-Encoding: chunked" + kHello},
      {"RFC 9110 5.5 NUL in the target", "GET http://a/\0 HTTP/1.1\r\nHost: a\r\n\r\n"s},
  };
}

/// Whole responses that are refused.
std::vector<Vector> hostile_responses() {
  return {
      {"RFC 9112 4 bare LF behind the status line", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"},
      {"RFC 9112 4 bare CR in the phrase", "HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n"},
      {"RFC 9112 4 empty line before it", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
      {"RFC 9112 4 status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"},
      {"RFC 9112 4 status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"},
      {"RFC 9112 4 two spaces", "HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n"},
      {"RFC 9112 4 tab", "HTTP/1.1\t200 OK\r\nContent-Length: 0\r\n\r\n"},
      {"RFC 9112 2.3 HTTP/0.9", "hello\r\n\r\n"},
      {"RFC 9112 2.3 HTTP/2", "HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n"},
      {"RFC 9112 6.1 coding in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked" + kHello},
      {"RFC 9112 6.1 gzip until close", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello"},
      {"RFC 9112 11.1 splitting by bare CR",
       "HTTP/1.1 200 OK\r\nX: y\r\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
      {"RFC 9112 2.1 head without end", "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'y')},
  };
}

}  // namespace

TEST_CASE("hostile requests are refused before a byte goes on") {
  std::vector<Vector> all = hostile_requests();
  for (const Vector& vector : hostile_in_both_directions()) {
    all.push_back({vector.clause, kPost + vector.bytes});
  }
  for (const Vector& vector : all) {
    CAPTURE(vector.clause, vector.bytes);
    const auto forwarded = forward_request(vector.bytes);
    CHECK_FALSE(forwarded.ok());
    if (!forwarded) CHECK(forwarded.error().side == Side::client);
  }
}

TEST_CASE("hostile responses never reach the client") {
  std::vector<Vector> all = hostile_responses();
  for (const Vector& vector : hostile_in_both_directions()) {
    all.push_back({vector.clause, "HTTP/1.1 200 OK\r\n" + vector.bytes});
  }
  for (const Vector& vector : all) {
    CAPTURE(vector.clause, vector.bytes);
    const auto forwarded = forward_response(vector.bytes, "GET");
    CHECK_FALSE(forwarded.ok());
    if (!forwarded) {
      CHECK(forwarded.error().side == Side::upstream);
      CHECK(forwarded.error().code == Errc::http_protocol_error);
    }
  }
}

TEST_CASE("what is odd but unambiguous goes on in one form") {
  const std::vector<Vector> requests = {
      {"RFC 9112 7 coding in capitals", "Transfer-Encoding: CHUNKED" + kHello},
      {"RFC 9112 5 tabs around a value", "Transfer-Encoding:\tchunked\t" + kHello},
      {"RFC 9110 8.6 zeros in front", "Content-Length: 0000005\r\n\r\nhello"},
      {"RFC 9112 7.1.1 extensions",
       "Transfer-Encoding: chunked\r\n\r\n5;a=\"\\\"\";b\r\nhello\r\n0;c\r\n\r\n"},
      {"RFC 9110 6.5.1 framing in trailers",
       "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nContent-Length: 9\r\nHost: b\r\n\r\n"},
      {"RFC 9110 7.6.1 Connection names Host",
       "Connection: Host\r\nContent-Length: 5\r\n\r\nhello"},
      {"RFC 9110 7.6.1 Connection names Content-Length",
       "Connection: close, Content-Length\r\nContent-Length: 5\r\n\r\nhello"},
      {"RFC 9110 7.6.1 Connection names Transfer-Encoding",
       "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked" + kHello},
      {"RFC 9110 7.6.1 coding in Proxy-Connection",
       "Proxy-Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked" + kHello},
  };
  for (const Vector& vector : requests) {
    CAPTURE(vector.clause);
    const std::string hidden = "GET http://hidden/ HTTP/1.1\r\nHost: hidden\r\n\r\n";
    const auto request =
        forward_request("POST http://a/ HTTP/1.1\r\nHost: b\r\n" + vector.bytes + hidden);
    REQUIRE(request.ok());
    CHECK(request->complete);
    StrictReader next_hop(request->sent);
    const auto sent = next_hop.request();
    REQUIRE(sent);
    CHECK(next_hop.rest().empty());
    CHECK(sent->body == "hello");
    CHECK(sent->value("host") == "a");
    CHECK(sent->trailers.empty());

    const auto response = forward_response("HTTP/1.1 200 OK\r\n" + vector.bytes, "GET");
    REQUIRE(response.ok());
    StrictReader client(response->sent);
    const auto received = client.response("GET");
    REQUIRE(received);
    CHECK(client.rest().empty());
    CHECK(received->body == "hello");
  }
}

TEST_CASE("what old servers add to a response is removed, and leaves one meaning") {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  for (const Vector& vector : std::vector<Vector>{
           {"RFC 9112 5.1 blanks before colons",
            ok + "Content-Length \t: 5\r\nX-Y : z\r\n\r\nhello"},
           {"RFC 9112 5.1 coding", ok + "X-Y\t: z\r\nTransfer-Encoding : chunked" + kHello},
           {"RFC 9112 7.1 padded sizes", ok + "X-Y: z\r\nTransfer-Encoding: chunked\r\n\r\n"
                                              "5  \r\nhello\r\n0\t\r\n\r\n"}}) {
    CAPTURE(vector.clause);
    const auto response = forward_response(vector.bytes + ok, "GET");
    REQUIRE(response.ok());
    StrictReader client(response->sent);
    const auto received = client.response("GET");
    REQUIRE(received);
    CHECK(client.rest().empty());
    CHECK(received->body == "hello");
    CHECK(received->value("x-y") == "z");
  }
}

TEST_CASE("framing in doubt does not go on where no body can be (RFC 9112 6.3 rule 1)") {
  for (const char* fields :
       {"Transfer-Encoding: identity\r\n", "Transfer-Encoding: gzip\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: +5\r\n",
        "Transfer-Encoding : identity\r\nContent-Length : x\r\n"}) {
    CAPTURE(fields);
    const auto check = [fields](const char* status, const char* method) {
      const std::string head = "HTTP/1.1 "s + status + "\r\nETag: \"x\"\r\n" + fields + "\r\n";
      const auto forwarded = forward_response(head + "hello", method);
      REQUIRE(forwarded.ok());
      CHECK(forwarded->used == head.size());
      CHECK(forwarded->sent ==
            "HTTP/1.1 "s + status + "\r\nETag: \"x\"\r\nVia: 1.1 culvert-test\r\n\r\n");
    };
    check("200 OK", "HEAD");
    check("404 No", "HEAD");
    check("204 No Content", "GET");
    check("304 Not Modified", "GET");
    CHECK_FALSE(forward_response("HTTP/1.1 200 OK\r\n"s + fields + "\r\n", "GET").ok());
  }
}

TEST_CASE("a body ends at its length and the next request begins there (RFC 9112 9.3.2)") {
  const std::string first = "POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
  const std::string second = "GET http://b/ HTTP/1.1\r\nHost: b\r\n\r\n";
  const auto forwarded = forward_request(first + second);
  REQUIRE(forwarded.ok());
  CHECK(forwarded->used == first.size());
  CHECK(forwarded->body == "hello");
  CHECK(forward_request(second)->sent.find("Host: b") != std::string::npos);
}

TEST_CASE("bytes behind a response without body are not its next one (RFC 9112 6.3 rule 1)") {
  for (const char* status : {"204 No Content", "304 Not Modified"}) {
    const std::string head = "HTTP/1.1 "s + status + "\r\nTransfer-Encoding: chunked\r\n\r\n";
    const auto forwarded =
        forward_response(head + "0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "GET");
    REQUIRE(forwarded.ok());
    CHECK(forwarded->used == head.size());
    CHECK(forwarded->sent.find("Transfer-Encoding") == std::string::npos);
  }
}
