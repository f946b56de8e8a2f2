#include "config/redact.h"

#include <string>

#include "support/catch.h"

using namespace culvert;

TEST_CASE("what a URL shows of itself") {
  struct Row {
    const char* url;
    const char* shown;
  };
  const Row rows[] = {
      {"socks5://127.0.0.1:1080", "socks5://127.0.0.1:1080"},
      {"a=http://proxy.example", "a=http://proxy.example"},
      {"http://[::1]:80/", "http://[::1]:80/"},
      {"socks5://h?resolve=local&connect-timeout=5s",
       "socks5://h?resolve=local&connect-timeout=5s"},
      {"", ""},
      // User and password.
      {"socks5://u:p@h:1", "socks5://***@h:1"},
      {"a=socks5://u:p@h:1", "a=socks5://***@h:1"},
      {"socks5://u:p@q@h:1", "socks5://***@h:1"},
      {"socks5://u@h", "socks5://***@h"},
      {"socks5:u:p@h", "socks5:***@h"},
      {"u:p@h:1", "***@h:1"},
      {"a=u:p@h:1", "a=***@h:1"},
      {"u=v:p@h:1", "u=***@h:1"},
      // Where a password ends is anybody's guess.
      {"socks5://u:p/q@h", "socks5://***"},
      {"socks5://u:p#q@h?resolve=local", "socks5://***"},
      {"socks5://u:p?q=r@h", "socks5://***"},
      {"https://h?ca=/home/me@work/ca.pem", "https://h?ca=/home/me@work/ca.pem"},
      {"https://u:p@h?ca=/home/me@work/ca.pem", "https://***@h?ca=/home/me@work/ca.pem"},
      // No host was given, so the password stands where the port would.
      {"socks5://u:p", "socks5://u:***"},
      {"socks5://u:123456", "socks5://u:***"},
      {"socks5://u%3Ap", "socks5://***"},
      {"u:p", "u:***"},
      {"http://[u:p]:80", "http://[u:***"},
      // Paths, fragments and unknown options have no meaning, so nobody knows what they hold.
      {"http://h/p", "http://h/***"},
      {"http://h#p", "http://h#***"},
      {"http://h?password=p&resolve=local", "http://h?password=***&resolve=local"},
      {"http://h?p", "http://h?***"},
      // Printable it is.
      {"http://h\x1b\n", "http://h??"},
  };
  for (const Row& row : rows) {
    INFO(row.url);
    CHECK(redact_url(row.url) == row.shown);
  }
}

TEST_CASE("values that are no URLs are shown as they are") {
  CHECK(redact_value("/var/log/culvert.log") == "/var/log/culvert.log");
  CHECK(redact_value("fe80::1:80") == "fe80::1:80");
  CHECK(redact_value("a\tb") == "a?b");
  CHECK(redact_value("http://u:p@h") == "http://***@h");
  CHECK(redact_value("u:p@h") == "***@h");
}
