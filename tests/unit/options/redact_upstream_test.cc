#include "options/redact_upstream.h"

#include "support/catch.h"

using namespace culvert;

namespace {

struct Row {
  const char* url;
  const char* shown;
};

}  // namespace

TEST_CASE("an upstream shows its options as well") {
  const Row rows[] = {
      {"socks5://h", "socks5://h"},
      {"socks5://u:p@h?resolve=local&connect-timeout=5s",
       "socks5://***@h?resolve=local&connect-timeout=5s"},
      {"https://u:p@h?ca=/home/me@work/ca.pem", "https://***@h?ca=/home/me@work/ca.pem"},
      {"http://h?resolve", "http://h?resolve"},
      // What culvert does not know may be anything.
      {"http://h?password=p&resolve=local", "http://h?password=***&resolve=local"},
      {"http://h?p", "http://h?***"},
      // A known option may hold another URL.
      {"http://h?via=http://u:p", "http://h?via=http://u:***"},
      {"http://h?sni=u:p", "http://h?sni=u:***"},
      {"http://h?sni=u%3Ap%40h", "http://h?sni=***@h"},
      {"http://h?via=socks5%3A%2F%2Fh%3A1080", "http://h?via=socks5%3A%2F%2Fh%3A1080"},
      {"http://h?sni=%", "http://h?sni=***"},
      // Or be a piece of a password that holds a '?'.
      {"socks5://u:p?ca=q@h", "socks5://***"},
      {"socks5://u:12?ca=q@h", "socks5://***"},
      {"socks5://u:p?warm=q&r@h", "socks5://***"},
      {"socks5://u:p?warm=q", "socks5://u:***"},
      {"https://u:p@p?ca=q#r@h", "https://***"},
      {"https://u:p?ca=/q#r@h", "https://***"},
      {"http://h?via=http://u:p@q:3128", "http://***"},
  };
  for (const Row& row : rows) {
    INFO(row.url);
    CHECK(redact_upstream(row.url) == row.shown);
  }
}

TEST_CASE("an option repeats its value where it can do no harm") {
  CHECK(redact_option("warm", "65", "warm=65") == "warm=65");
  CHECK(redact_option("ca", "/me@work/ca.pem", "ca=/me@work/ca.pem") == "ca=/me@work/ca.pem");
  CHECK(redact_option("warm", "p", "warm=p&q@h") == "warm=***");
  CHECK(redact_option("sni", "u:p", "sni=u%3Ap") == "sni=u:***");
}

TEST_CASE("a login with a password is taken out of a valid upstream, and nothing else") {
  struct Row {
    const char* url;
    const char* shown;  ///< nullptr: it has no password
  };
  const std::vector<Row> rows = {
      {"direct", nullptr},
      {"a=http://h:1", nullptr},
      {"a=http://u:p@h:1/?ca=/x@y", "a=http://***@h:1/?ca=/x@y"},
      {"socks4://u@[::1]:1?resolve=local", nullptr},
      {"http://u:a@b@h", "http://***@h"},
      {"http://h?ca=/u:p@h", nullptr},
  };
  for (const Row& row : rows) {
    const auto hidden = with_login_hidden(row.url);
    CHECK(hidden.has_value() == (row.shown != nullptr));
    if (hidden && row.shown != nullptr) CHECK(*hidden == row.shown);
  }
}
