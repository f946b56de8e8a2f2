#include "codec/body_framing.h"

#include <string>

#include "support/catch.h"

using namespace culvert;
using Catch::Matchers::Contains;
using Kind = BodyFraming::Kind;

namespace {

RequestHead request(std::vector<Field> fields, int minor = 1) {
  RequestHead head;
  head.method = "POST";
  head.fields = std::move(fields);
  head.minor = minor;
  return head;
}

ResponseHead response(int status, std::vector<Field> fields, int minor = 1) {
  ResponseHead head;
  head.status = status;
  head.fields = std::move(fields);
  head.minor = minor;
  return head;
}

BodyFraming framing(int status, std::vector<Field> fields, std::string_view method = "GET") {
  const auto result = response_framing(response(status, std::move(fields)), method);
  REQUIRE(result.ok());
  return *result;
}

}  // namespace

TEST_CASE("a request without framing fields has no body (RFC 9112 6.3 rule 7)") {
  CHECK(request_framing(request({}))->kind == Kind::none);
  CHECK(request_framing(request({{"Host", "a"}}, 0))->kind == Kind::none);
}

TEST_CASE("a request is framed by its length or by chunks") {
  CHECK(*request_framing(request({{"content-LENGTH", "5"}})) == BodyFraming{Kind::length, 5, true});
  CHECK(*request_framing(request({{"Content-Length", "0"}}, 0)) ==
        BodyFraming{Kind::length, 0, true});
  CHECK(request_framing(request({{"Content-Length", "0010"}}))->length == 10);
  CHECK(request_framing(request({{"Content-Length", "9223372036854775807"}}))->length ==
        9223372036854775807U);
  CHECK(request_framing(request({{"Transfer-Encoding", "chunked"}}))->kind == Kind::chunked);
  CHECK(request_framing(request({{"transfer-encoding", "CHUNKED"}}))->kind == Kind::chunked);
}

TEST_CASE("a request with ambiguous framing is refused") {
  struct Row {
    std::vector<Field> fields;
    Errc code;
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {{{"Content-Length", "5"}, {"Content-Length", "6"}},
       Errc::http_request_error,
       "more than one"},
      {{{"Content-Length", "5"}, {"content-length", "5"}},
       Errc::http_request_error,
       "more than one"},
      {{{"Content-Length", "5, 5"}}, Errc::http_request_error, "not one number"},
      {{{"Content-Length", ""}}, Errc::http_request_error, "not one number"},
      {{{"Content-Length", "+5"}}, Errc::http_request_error, "not one number"},
      {{{"Content-Length", "-1"}}, Errc::http_request_error, "not one number"},
      {{{"Content-Length", "0x5"}}, Errc::http_request_error, "not one number"},
      {{{"Content-Length", "5 5"}}, Errc::http_request_error, "not one number"},
      {{{"Content-Length", "5."}}, Errc::http_request_error, "not one number"},
      {{{"Content-Length", "9223372036854775808"}}, Errc::http_request_error, "not one number"},
      {{{"Content-Length", "18446744073709551621"}}, Errc::http_request_error, "not one number"},
      {{{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}},
       Errc::http_request_error,
       "next to Transfer-Encoding"},
      {{{"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}},
       Errc::http_request_error,
       "next to Transfer-Encoding"},
      {{{"Transfer-Encoding", ""}}, Errc::http_request_error, "malformed"},
      {{{"Transfer-Encoding", ","}}, Errc::http_request_error, "malformed"},
      {{{"Transfer-Encoding", ",chunked"}}, Errc::http_request_error, "malformed"},
      {{{"Transfer-Encoding", "chunked,"}}, Errc::http_request_error, "goes on behind chunked"},
      {{{"Transfer-Encoding", "chunked;a=b"}}, Errc::http_request_error, "malformed"},
      {{{"Transfer-Encoding", "\"chunked\""}}, Errc::http_request_error, "malformed"},
      {{{"Transfer-Encoding", "chunked chunked"}}, Errc::http_request_error, "malformed"},
      {{{"Transfer-Encoding", "xchunked"}}, Errc::http_request_error, "does not end in chunked"},
      {{{"Transfer-Encoding", "identity"}}, Errc::http_request_error, "does not end in chunked"},
      {{{"Transfer-Encoding", "gzip"}}, Errc::http_request_error, "does not end in chunked"},
      {{{"Transfer-Encoding", "chunked, gzip"}}, Errc::http_request_error, "behind chunked"},
      {{{"Transfer-Encoding", "chunked, chunked"}}, Errc::http_request_error, "behind chunked"},
      {{{"Transfer-Encoding", "gzip, chunked, chunked"}},
       Errc::http_request_error,
       "behind chunked"},
      {{{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
       Errc::http_request_error,
       "behind chunked"},
      {{{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "identity"}},
       Errc::http_request_error,
       "behind chunked"},
      {{{"Transfer-Encoding", "gzip, chunked"}},
       Errc::method_not_implemented,
       "other than chunked"},
      {{{"Transfer-Encoding", "gzip"}, {"Transfer-Encoding", "chunked"}},
       Errc::method_not_implemented,
       "other than chunked"},
  }));
  const auto result = request_framing(request(row.fields));
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code == row.code);
  CHECK(result.error().side == Side::client);
  CHECK_THAT(result.error().text, Contains(row.text));

  const auto answer = response_framing(response(200, row.fields), "GET");
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code == Errc::http_protocol_error);
  CHECK(answer.error().side == Side::upstream);
}

TEST_CASE("Transfer-Encoding in HTTP/1.0 is refused (RFC 9112 6.1)") {
  CHECK_FALSE(request_framing(request({{"Transfer-Encoding", "chunked"}}, 0)).ok());
  CHECK_FALSE(response_framing(response(200, {{"Transfer-Encoding", "chunked"}}, 0), "GET").ok());
}

TEST_CASE("a response is framed by its fields or ends with the connection (RFC 9112 6.3)") {
  CHECK(framing(200, {{"Content-Length", "5"}}) == BodyFraming{Kind::length, 5, true});
  CHECK(framing(200, {{"Transfer-Encoding", "chunked"}}) == BodyFraming{Kind::chunked, 0, true});
  CHECK(framing(200, {}) == BodyFraming{Kind::until_close, 0, false});
  CHECK(framing(404, {}) == BodyFraming{Kind::until_close, 0, false});
}

TEST_CASE("some responses have no body whatever their fields (RFC 9112 6.3 rules 1 and 2)") {
  CHECK(framing(200, {{"Content-Length", "5"}}, "HEAD") == BodyFraming{});
  CHECK(framing(200, {{"Transfer-Encoding", "chunked"}}, "HEAD") == BodyFraming{});
  CHECK(framing(200, {}, "HEAD") == BodyFraming{});
  CHECK(framing(304, {{"Content-Length", "5"}}) == BodyFraming{});
  CHECK(framing(204, {}) == BodyFraming{});
  CHECK(framing(204, {{"Content-Length", "0"}}) == BodyFraming{});
  CHECK(framing(100, {}) == BodyFraming{});
  CHECK(framing(200, {{"Content-Length", "5"}}, "CONNECT") == BodyFraming{});
  CHECK(framing(502, {{"Content-Length", "5"}}, "CONNECT").kind == Kind::length);
}

TEST_CASE("a connection is not used again behind a body that must not be") {
  const BodyFraming suspicious{Kind::none, 0, false};
  CHECK(framing(204, {{"Content-Length", "5"}}) == suspicious);
  CHECK(framing(204, {{"Transfer-Encoding", "chunked"}}) == suspicious);
  CHECK(framing(103, {{"Content-Length", "5"}}) == suspicious);
  CHECK(framing(304, {{"Transfer-Encoding", "chunked"}}) == suspicious);
}

TEST_CASE("where no body can be, fields that contradict each other are dropped (RFC 9112 6.3)") {
  const std::vector<Field> fields = GENERATE(values<std::vector<Field>>({
      {{"Transfer-Encoding", "identity"}},
      {{"Transfer-Encoding", "gzip"}},
      {{"Transfer-Encoding", ""}},
      {{"Transfer-Encoding", "gzip, chunked"}},
      {{"Content-Length", "5"}, {"Content-Length", "6"}},
      {{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}},
      {{"Content-Length", "x"}},
      {{"Content-Length", "5, 5"}},
  }));
  const BodyFraming dropped{Kind::none, 0, false, true};
  CHECK(framing(200, fields, "HEAD") == dropped);
  CHECK(framing(404, fields, "HEAD") == dropped);
  CHECK(framing(204, fields) == dropped);
  CHECK(framing(304, fields, "POST") == dropped);
  CHECK(framing(103, fields) == dropped);
  CHECK(framing(200, fields, "CONNECT") == BodyFraming{});
  CHECK_FALSE(response_framing(response(200, fields), "GET").ok());
  CHECK_FALSE(response_framing(response(502, fields), "CONNECT").ok());
  CHECK(framing_for_client(dropped, 1) == BodyFraming{Kind::none, 0, true, true});
}

TEST_CASE("a connection is not used again behind framing that not all readers take for it") {
  const Field length{"Content-Length", "5", true};
  CHECK(framing(200, {length}) == BodyFraming{Kind::length, 5, false});
  CHECK(framing(200, {{"Transfer-Encoding", "chunked", true}}) ==
        BodyFraming{Kind::chunked, 0, false});
  CHECK(framing(200, {length}, "HEAD") == BodyFraming{Kind::none, 0, false});
  CHECK(framing(304, {length}) == BodyFraming{Kind::none, 0, false});
  CHECK(framing(200, {{"Content-Length", "5"}, {"X", "y", true}}).reusable);
}

TEST_CASE("a response is framed anew for the client's version") {
  const BodyFraming length{Kind::length, 5, true};
  const BodyFraming chunked{Kind::chunked, 0, true};
  const BodyFraming until_close{Kind::until_close, 0, false};
  CHECK(framing_for_client(length, 1) == length);
  CHECK(framing_for_client(length, 0) == length);
  CHECK(framing_for_client(chunked, 1) == chunked);
  CHECK(framing_for_client(chunked, 0) == until_close);
  CHECK(framing_for_client(until_close, 1) == chunked);
  CHECK(framing_for_client(until_close, 0) == until_close);
  CHECK(framing_for_client({Kind::none, 0, false}, 1) == BodyFraming{});
}
