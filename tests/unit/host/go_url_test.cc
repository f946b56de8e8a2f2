#include "host/go_url.h"

#include <optional>
#include <string>

#include "support/catch.h"

using namespace culvert;

namespace {

struct Case {
  const char* text;
  /// "scheme|authority", with a "+" in front if there is a user; nullptr: an error.
  const char* read;
};

std::optional<std::string> shown(const std::optional<GoUrl>& url) {
  if (!url) return std::nullopt;
  return (url->has_user ? "+" : "") + url->scheme + "|" + url->authority;
}

}  // namespace

TEST_CASE("a URL is read as Go's net/url does") {
  const Case cases[] = {
      {"http://127.0.0.1:3128", "http|127.0.0.1:3128"},
      {"HTTP://Proxy:3128/", "http|Proxy:3128"},
      {"127.0.0.1:3128", nullptr},
      {"localhost:3128", "localhost|"},
      {"proxy", "|"},
      {"://proxy", nullptr},
      {"http://user:secret@proxy:3128", "+http|proxy:3128"},
      {"http://user:p%40w@proxy:3128", "+http|proxy:3128"},
      {"http://user:p%w@proxy:3128", nullptr},
      {"http://user:p w@proxy:3128", nullptr},
      {"http://u@v@proxy", "+http|proxy"},
      {"http://proxy:31a8", nullptr},
      {"http://proxy:", "http|proxy:"},
      {"http://proxy:3128 ", nullptr},
      {" http://proxy:3128", nullptr},
      {"http://proxy:3128\r", nullptr},
      {"\"http://proxy:3128\"", nullptr},
      {"http://\"proxy\":3128", "http|\"proxy\":3128"},
      {"http://[::1]:3128", "http|[::1]:3128"},
      {"http://[::1:3128", nullptr},
      {"http://[::1]x", nullptr},
      {"http://[fe80::1%25eth0]:3128", "http|[fe80::1%25eth0]:3128"},
      {"http://pro%78y:3128", nullptr},
      {"http://proxy/a%zz", nullptr},
      {"http://proxy/#a%zz", nullptr},
      {"http:///path", "http|"},
      {"/path:x", "|"},
      {"1http://proxy", nullptr},
      {"", "|"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.text);
    const auto read = shown(parse_go_url(one.text));
    CHECK(read == (one.read ? std::optional<std::string>(one.read) : std::nullopt));
  }
}

TEST_CASE("a proxy variable needs no scheme") {
  const Case cases[] = {
      {"127.0.0.1:3128", "http|127.0.0.1:3128"},
      {"localhost:3128", "http|localhost:3128"},
      {"proxy", "http|proxy"},
      {"user:secret@proxy:3128", "+http|proxy:3128"},
      {"socks5://127.0.0.1:1080", "socks5|127.0.0.1:1080"},
      {"\"http://127.0.0.1:3128\"", "http|\"http:"},
      {"http://u:p%w@h", nullptr},
      {"u:p%w@h", "u|"},
      {" http://h:1", nullptr},
  };
  for (const Case& one : cases) {
    CAPTURE(one.text);
    const auto read = shown(parse_go_proxy(one.text));
    CHECK(read == (one.read ? std::optional<std::string>(one.read) : std::nullopt));
  }
}
