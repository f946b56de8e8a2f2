#include "codec/intermediary.h"

#include <string>

#include "support/catch.h"

using namespace culvert;
using Catch::Matchers::Contains;

namespace {

RequestHead request(std::string_view method, std::vector<Field> fields, int minor = 1) {
  RequestHead head;
  head.method = method;
  head.target = "http://a/";
  head.fields = std::move(fields);
  head.minor = minor;
  return head;
}

}  // namespace

TEST_CASE("our own name in Via shows a loop (RFC 9110 7.6.3)") {
  const auto looped = [](std::vector<Field> fields) {
    return passed_through(request("GET", std::move(fields)), "culvert-1a2b");
  };
  CHECK(looped({{"Via", "1.1 culvert-1a2b"}}));
  CHECK(looped({{"Via", "1.0 first"}, {"via", "HTTP/1.1 x, 1.1 Culvert-1A2B (comment)"}}));
  CHECK(looped({{"Via", "1.1\tculvert-1a2b\t(c)"}}));
  CHECK_FALSE(looped({}));
  CHECK_FALSE(looped({{"Via", "1.1 culvert-1a2c"}}));
  CHECK_FALSE(looped({{"Via", "1.1 x (culvert-1a2b)"}}));
  CHECK_FALSE(looped({{"Via", "culvert-1a2b"}}));
  CHECK_FALSE(looped({{"Via", ", ,"}}));
  CHECK_FALSE(looped({{"X-Via", "1.1 culvert-1a2b"}}));
}

TEST_CASE("only 100-continue is a known expectation (RFC 9110 10.1.1)") {
  CHECK_FALSE(*expects_continue(request("PUT", {})));
  CHECK(*expects_continue(request("PUT", {{"expect", "100-Continue"}})));
  CHECK_FALSE(*expects_continue(request("PUT", {{"Expect", "100-continue"}}, 0)));
  const auto unknown = expects_continue(request("PUT", {{"Expect", "200-ok\xff"}}));
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().code == Errc::expectation_failed);
  // What it is may be anything, and is not repeated.
  CHECK(unknown.error().text == "the request expects something else than 100-continue");
}

TEST_CASE("Max-Forwards counts for TRACE and OPTIONS (RFC 9110 7.6.2)") {
  CHECK(max_forwards(request("TRACE", {{"Max-Forwards", "0"}})) == 0U);
  CHECK(max_forwards(request("OPTIONS", {{"max-forwards", "7"}})) == 7U);
  CHECK(max_forwards(request("TRACE", {{"Max-Forwards", "99999999999"}})) == 4294967295U);
  CHECK_FALSE(max_forwards(request("GET", {{"Max-Forwards", "0"}})));
  CHECK_FALSE(max_forwards(request("TRACE", {})));
  for (const char* bad : {"", "x", "-1", "+1", "1 ", "1,2"}) {
    CAPTURE(bad);
    CHECK_FALSE(max_forwards(request("TRACE", {{"Max-Forwards", bad}})));
  }
}

TEST_CASE("TRACE shows the request without its secrets (RFC 9110 9.3.8)") {
  std::string out;
  append_trace_body(request("TRACE",
                            {{"Host", "a"},
                             {"Authorization", "x"},
                             {"Cookie", "y"},
                             {"proxy-authorization", "z"},
                             {"X-One", "1"}},
                            0),
                    out);
  CHECK(out == "TRACE http://a/ HTTP/1.0\r\nHost: a\r\nX-One: 1\r\n\r\n");
}
