#include "codec/sign_in.h"

#include <string>
#include <vector>

#include "base/text.h"
#include "support/catch.h"

using namespace culvert;
using Catch::Matchers::Contains;
using namespace std::string_literals;

namespace {

Result<Credentials> read(const std::vector<std::string>& values) {
  RequestHead head;
  head.fields.push_back({"Host", "a.example"});
  for (const std::string& value : values) head.fields.push_back({"proxy-authorization", value});
  head.fields.push_back({"Authorization", "Basic dGFyZ2V0OmhpbQ=="});
  return credentials_of(head);
}

Result<Credentials> basic(const std::string& pair) {
  return read({"Basic " + base64_encode(pair)});
}

}  // namespace

TEST_CASE("user and password of a request") {
  const auto given = basic("Aladdin:open sesame");
  REQUIRE(given);
  CHECK(given->user == "Aladdin");
  CHECK(given->password.reveal() == "open sesame");
  CHECK(basic("u:a:b")->password.reveal() == "a:b");
  CHECK(basic("u:")->password.empty());
  CHECK(basic(":p")->user.empty());
  CHECK(basic("us\xc3\xa9r:p\xc3\xa4ss")->user == "us\xc3\xa9r");
  CHECK(read({"bAsIc   dTpw"})->user == "u");
}

TEST_CASE("who does not sign in is told how") {
  for (const auto& given : {read({}), read({""})}) {
    REQUIRE_FALSE(given);
    CHECK(given.error().code == Errc::proxy_auth_required);
    CHECK(given.error().side == Side::client);
    CHECK_THAT(given.error().text, Contains("http://USER:PASSWORD@HOST:PORT"));
  }
}

TEST_CASE("another scheme than Basic is named, unless it may be a password") {
  struct Case {
    std::string value;
    std::string shown;
  };
  for (const auto& [value, shown] : std::vector<Case>{{"Bearer abc", "Bearer"},
                                                      {"bearer", "Bearer"},
                                                      {"Digest username=x", "Digest"},
                                                      {"Negotiate abc", "Negotiate"},
                                                      {"NTLM TlRMTVNTUAAB", "NTLM"},
                                                      {"dTpodW50ZXIy", "another scheme"},
                                                      {"u:hunter2", "another scheme"},
                                                      {"Basic\tdTpw", "another scheme"}}) {
    const auto given = read({value});
    REQUIRE_FALSE(given);
    CHECK(given.error().code == Errc::proxy_auth_required);
    CHECK_THAT(given.error().text,
               Contains("signs in with " + shown + ",") && Contains("takes Basic"));
    CHECK_THAT(given.error().text, !Contains("hunter2") && !Contains("dTpodW50ZXIy"));
  }
}

TEST_CASE("malformed credentials are a mistake of the request") {
  const std::vector<std::pair<Result<Credentials>, std::string>> cases = {
      {read({"Basic"}), "no ':'"},
      {read({"Basic ===="}), "base64"},
      {read({"Basic dTp"}), "base64"},
      {read({"Basic dTpw dTpw"}), "base64"},
      {read({"Basic hunter2!"}), "base64"},
      {basic("hunter2"), "no ':'"},
      {basic("u:hunter2\0x"s), "control character"},
      {basic("u\n:hunter2"), "control character"},
      {read({"Basic dTpw", "Basic dTpw"}), "twice"},
  };
  for (const auto& [given, words] : cases) {
    REQUIRE_FALSE(given);
    CHECK(given.error().code == Errc::http_request_error);
    CHECK(given.error().side == Side::client);
    CHECK_THAT(given.error().text, Contains(words) && !Contains("hunter2"));
  }
}

TEST_CASE("whose password is wrong is named") {
  CHECK_THAT(wrong_credentials("alice").text, Contains("'alice'") && Contains("%XX"));
  CHECK_THAT(wrong_credentials("a\xff" + std::string(100, 'x')).text, Contains("'a?xxx"));
  CHECK(wrong_credentials(std::string(500, 'x')).text.size() < 190);
}
