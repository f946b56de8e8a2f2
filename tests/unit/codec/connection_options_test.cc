#include "codec/connection_options.h"

#include <string>

#include "support/catch.h"

using namespace culvert;

namespace {

template <typename Head>
Head head_with(std::vector<Field> fields, int minor = 1) {
  Head head;
  head.fields = std::move(fields);
  head.minor = minor;
  return head;
}

ConnectionOptions options(std::vector<Field> fields) {
  const auto result = connection_options(head_with<RequestHead>(std::move(fields)));
  REQUIRE(result.ok());
  return *result;
}

}  // namespace

TEST_CASE("options are gathered from every Connection field (RFC 9110 7.6.1)") {
  const ConnectionOptions found = options({{"Connection", "X-One , ,Close"},
                                           {"Other", "keep-alive"},
                                           {"connection", "upgrade,\tX-Two"}});
  CHECK(found.close());
  CHECK(found.upgrade());
  CHECK_FALSE(found.keep_alive());
  CHECK(found.names("x-one"));
  CHECK(found.names("X-TWO"));
  CHECK_FALSE(found.names("X-Three"));
  CHECK_FALSE(found.names("close"));
}

TEST_CASE("no option strips what every recipient needs (RFC 9110 7.6.1)") {
  const ConnectionOptions found =
      options({{"Connection", "Host, Content-Length, Content-Type, Cache-Control, Via, Expect"},
               {"Connection", "Max-Forwards, Date, Content-Encoding, Content-Range, Cookie"}});
  for (const char* name : {"Host", "content-length", "Content-Type", "Cache-Control", "Via",
                           "Expect", "Max-Forwards", "Date", "Content-Encoding", "Content-Range"}) {
    CAPTURE(name);
    CHECK_FALSE(found.names(name));
  }
  CHECK(found.names("Cookie"));
}

TEST_CASE("what is not a token names nothing") {
  const ConnectionOptions found = options({{"Connection", "\"close\", a b, x:y, , c"}});
  CHECK_FALSE(found.close());
  CHECK_FALSE(found.names("a b"));
  CHECK_FALSE(found.names(""));
  CHECK(found.names("c"));
}

TEST_CASE("Proxy-Connection of old clients is understood") {
  CHECK(options({{"Proxy-Connection", "close"}}).close());
  CHECK(options({{"Proxy-Connection", "Keep-Alive"}}).keep_alive());
  CHECK_FALSE(options({{"Proxy-Connection", "X-One"}}).names("X-One"));
}

TEST_CASE("more options than anybody sends are refused") {
  std::string many = "a0";
  for (int i = 1; i < 16; ++i) many += ", a" + std::to_string(i);
  CHECK(options({{"Connection", many}}).names("a15"));
  many += ", b";
  const auto request = connection_options(head_with<RequestHead>({{"Connection", many}}));
  REQUIRE_FALSE(request.ok());
  CHECK(request.error().code == Errc::http_request_error);
  CHECK(request.error().side == Side::client);
  const auto response = connection_options(head_with<ResponseHead>({{"Connection", many}}));
  REQUIRE_FALSE(response.ok());
  CHECK(response.error().code == Errc::http_protocol_error);
}

TEST_CASE("a client's connection persists by RFC 9112 9.3") {
  const auto persists_with = [](std::vector<Field> fields, int minor) {
    const auto head = head_with<RequestHead>(std::move(fields), minor);
    return persists(head, *connection_options(head));
  };
  CHECK(persists_with({}, 1));
  CHECK(persists_with({{"Connection", "keep-alive"}}, 1));
  CHECK_FALSE(persists_with({{"Connection", "keep-alive, close"}}, 1));
  CHECK_FALSE(persists_with({{"Proxy-Connection", "close"}}, 1));
  CHECK_FALSE(persists_with({}, 0));
  CHECK_FALSE(persists_with({{"Connection", "keep-alive"}}, 0));
}

TEST_CASE("a server's connection persists by RFC 9112 9.3") {
  const auto persists_with = [](std::vector<Field> fields, int minor) {
    const auto head = head_with<ResponseHead>(std::move(fields), minor);
    return persists(head, *connection_options(head));
  };
  CHECK(persists_with({}, 1));
  CHECK_FALSE(persists_with({{"Connection", "close"}}, 1));
  CHECK_FALSE(persists_with({}, 0));
  CHECK(persists_with({{"Connection", "Keep-Alive"}}, 0));
  CHECK_FALSE(persists_with({{"Connection", "keep-alive, close"}}, 0));
}
