#include "base/redact.h"

#include <string>

#include "support/catch.h"

using namespace culvert;

namespace {

struct Row {
  const char* text;
  const char* shown;
};

}  // namespace

TEST_CASE("what a URL shows of itself") {
  const Row rows[] = {
      {"socks5://127.0.0.1:1080", "socks5://127.0.0.1:1080"},
      {"a=http://proxy.example", "a=http://proxy.example"},
      {"http://[::1]:80/", "http://[::1]:80/"},
      {"[::1", "[::1"},
      {"[fe80::1%eth0]:443", "[fe80::1%eth0]:443"},
      {"2001:db8::1:443", "2001:db8::1:443"},
      {"gcr.io:443", "gcr.io:443"},
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
      {"u:p@http://h", "***@http:/***"},
      {"x=u:=p=://q@h", "x=***"},
      {"u:12,p://q@h", "***"},
      // Where a password ends is anybody's guess.
      {"socks5://u:p/q@h", "socks5://***"},
      {"socks5://u:p#q@h?resolve=local", "socks5://***"},
      {"socks5://u:p?q=r@h", "socks5://***"},
      {"u:p/q@h", "***"},
      // No host was given, so the password stands where the port would.
      {"socks5://u:p", "socks5://u:***"},
      {"socks5://u:123456", "socks5://u:***"},
      {"socks5://u%3Ap", "socks5://***"},
      {"u:p", "u:***"},
      {"socks5://127.0.0.1:{port}", "socks5://127.0.0.1:{port}"},
      {"socks5://u:{port}x", "socks5://u:***"},
      {"u:1,p", "u:***"},
      {"u:p=https://h", "u:***"},
      {"http://[u:p]:80", "http://[u:***"},
      {"::1%x:p", "::1%x:***"},
      // Paths, queries and fragments have no meaning, so what they hold is unknown.
      {"http://h/p", "http://h/***"},
      {"http://h#p", "http://h#***"},
      {"http://h?p", "http://h?***"},
      // Printable it is.
      {"http://h\x1b\n", "http://h??"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(redact_url(row.text) == row.shown);
  }
}

TEST_CASE("what other values show of themselves") {
  const Row rows[] = {
      {"/var/log/a:b.log", "/var/log/a:b.log"},
      {"unix:/run/c.sock", "unix:/run/c.sock"},
      {"fe80::1:80", "fe80::1:80"},
      {"many", "many"},
      {"a\tb", "a?b"},
      {"10.0.0.0/8:443,[2001:db8::]/32:443,*.gcr.io=a,b",
       "10.0.0.0/8:443,[2001:db8::]/32:443,*.gcr.io=a,b"},
      {"preset:gcr,gcr.io:443=a", "preset:gcr,gcr.io:443=a"},
      {"gcr.io:443=http://p:3128", "gcr.io:443=http://p:3128"},
      // Behind what is hidden there may be more of it.
      {"gcr.io,u:p,q,r=a", "gcr.io,u:***"},
      {"preset:u:p", "preset:u:***"},
      {"http://u:p@h", "http://***@h"},
      {"a.example,u:p@h", "***@h"},
      {"u:p@h", "***@h"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(redact(row.text) == row.shown);
  }
}

TEST_CASE("a text that contains our password is not passed on") {
  const Credentials ours{"alice", Secret("hush hush")};
  for (const char* const words :
       {"no hush hush for you", "hush%20hush", "Basic YWxpY2U6aHVzaCBodXNo", "aHVzaCBodXNo!"}) {
    INFO(words);
    CHECK(redact_echo(words, ours) == "***");
    CHECK(redact_echo(words, std::nullopt) == words);
  }
  for (const char* const words : {"", "OK", "who is alice, hush?"}) {
    CHECK(redact_echo(words, ours) == words);
  }
  // A user alone is no secret, and nothing is in everything.
  CHECK(redact_echo("alice", Credentials{"alice", Secret()}) == "alice");
}

TEST_CASE("a text that is cut off within our password is not passed on") {
  const Credentials ours{"alice", Secret("hush hush")};
  for (const char* const words : {"no hush", "no hush hus", "hush%20hu", "Basic YWxpY2U6aHVza",
                                  "got aHVzaC", "no hush hush for you"}) {
    INFO(words);
    CHECK(redact_cut_echo(words, ours) == "***");
    CHECK(redact_cut_echo(words, std::nullopt) == words);
  }
  for (const char* const words : {"", "OK", "who is alice, hush?", "a bush", "they hus"}) {
    INFO(words);
    CHECK(redact_cut_echo(words, ours) == words);
  }
  CHECK(redact_cut_echo("alice", Credentials{"alice", Secret()}) == "alice");
}
