// A head as it is shown holds nothing of a value that may be a secret, and is lines of printable
// text.
#include "codec/shown_head.h"

#include <algorithm>
#include <optional>
#include <string>

#include "fuzz/secret_fuzz.h"

using namespace culvert;

namespace {

void check_lines(const std::string& shown) {
  std::size_t lines = 0;
  for (const std::string_view line : split(shown, '\n')) {
    FUZZ_CHECK(test::is_printable(line));
    FUZZ_CHECK(line.size() <= 203);
    ++lines;
  }
  FUZZ_CHECK(lines <= 42);
}

void check_no_secret(const std::string& shown) {
  check_lines(shown);
  FUZZ_CHECK(to_lower(shown).find(test::kPlanted) == std::string::npos);
}

}  // namespace

FUZZ_TARGET(shown_head) {
  std::string text(test::as_text(data, size));
  check_lines(shown_request(text));
  check_lines(shown_response(text, {}));
  if (to_lower(text).find(test::kPlanted) != std::string::npos) return;
  const std::size_t end = std::min(text.find("\r\n"), text.size());
  const std::string planted(test::kPlanted);
  for (const std::string& field :
       {"Authorization: Bearer " + planted, "proxy-authorization: " + planted,
        "Cookie: a=1; b=" + planted, "Set-Cookie: " + planted, "X-Token: " + planted,
        "Location: https://h/p?s=" + planted, "Location: https://u:" + planted + "@h/p",
        "WWW-Authenticate: Digest nonce=" + planted}) {
    std::string with = text;
    with.insert(end, "\r\n" + field);
    check_no_secret(shown_request(with));
    check_no_secret(shown_response(with, {}));
  }
  check_no_secret(shown_response(text.substr(0, end) + planted + text.substr(end),
                                 Credentials{"u", Secret(planted)}));
}
