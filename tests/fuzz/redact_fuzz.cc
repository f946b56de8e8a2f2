// A password that stands before an '@', or that a proxy repeats, does not survive; what is left is
// one line of printable text.
#include "base/redact.h"

#include <algorithm>

#include "base/secret.h"
#include "fuzz/secret_fuzz.h"

using namespace culvert;

namespace {

void check_shown(const std::string& shown) {
  FUZZ_CHECK(test::is_printable(shown));
  FUZZ_CHECK(shown.size() <= 203);  // printable()'s limit and "..."
}

void check_hidden(const std::string& url) {
  for (const std::string& shown : {redact_url(url), redact(url)}) {
    check_shown(shown);
    FUZZ_CHECK(to_lower(shown).find(test::kPlanted) == std::string::npos);
  }
}

/// `words` around each form of a password, which is all that lies before their first line end.
void check_echo(std::string_view input) {
  const std::size_t end = std::min(input.find('\n'), input.size());
  const Credentials credentials{"u", Secret(std::string(input.substr(0, end)))};
  const std::string words(input.substr(std::min(end + 1, input.size())));
  const std::string_view untouched = redact_echo(words, credentials);
  FUZZ_CHECK(untouched == words || untouched == kHidden);
  FUZZ_CHECK(redact_echo(words, {}) == words);
  if (credentials.password.empty()) return;
  const std::string password(credentials.password.reveal());
  for (const std::string& form :
       {password, base64_encode(password), std::string(basic_token(credentials).reveal())}) {
    FUZZ_CHECK(redact_echo(words + form + words, credentials) == kHidden);
  }
}

}  // namespace

FUZZ_TARGET(redact) {
  const std::string_view text = test::as_text(data, size);
  check_shown(redact_url(text));
  check_shown(redact(text));
  check_hidden(test::plant(text));
  check_echo(text);
}
