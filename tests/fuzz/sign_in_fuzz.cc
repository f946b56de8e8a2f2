// Proxy-Authorization: the first line is one field, the second, if there is one, another.
#include "codec/sign_in.h"

#include "base/text.h"
#include "fuzz/fuzz.h"

using namespace culvert;

namespace {

void check(const Result<Credentials>& given) {
  if (given) {
    FUZZ_CHECK(given->user.find(':') == std::string::npos);
    FUZZ_CHECK(test::is_clean(wrong_credentials(given->user).text));
    return;
  }
  const Error& error = given.error();
  FUZZ_CHECK(test::is_clean(error.text));
  FUZZ_CHECK(error.side == Side::client);
  FUZZ_CHECK(error.code == Errc::proxy_auth_required || error.code == Errc::http_request_error);
}

}  // namespace

FUZZ_TARGET(sign_in) {
  std::string_view text = test::as_text(data, size);
  RequestHead head;
  const std::size_t end = text.find('\n');
  head.fields.push_back({kCredentialsField, trim(text.substr(0, end))});
  check(credentials_of(head));
  if (end != std::string_view::npos) {
    head.fields.push_back({kCredentialsField, trim(text.substr(end + 1))});
    FUZZ_CHECK(!credentials_of(head));
  }
  // Any user and password arrive as they were sent, unless they have control characters.
  const std::string value = "Basic " + base64_encode(text);
  head.fields = {{kCredentialsField, value}};
  const auto given = credentials_of(head);
  check(given);
  if (given) {
    FUZZ_CHECK(given->user + ":" + std::string(given->password.reveal()) == text);
  }
}
