#include "host/proxy_spelling.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("quotes and white space around a value are left out") {
  CHECK(without_quotes("\" 'http://h'\r\n") == "http://h");
  CHECK(without_quotes("a\"b") == "a\"b");
  CHECK(without_quotes("\"") == "");
}

TEST_CASE("a scheme stands once, and two slashes behind it") {
  for (const auto& [value, right] : {
           std::pair{"http://h:1", "http://h:1"},
           std::pair{"http:/h:1", "http://h:1"},
           std::pair{"http:///h:1", "http://h:1"},
           std::pair{"HTTP:h:1", "http://h:1"},
           std::pair{"http://http://h:1/", "http://h:1/"},
           std::pair{"http://https://h:1", "http://h:1"},
           std::pair{"https://http:/h:1", "http://h:1"},
           std::pair{"socks5://socks5h://h", "socks5h://h"},
           // Hosts and users of such a name.
           std::pair{"http:3128", "http:3128"},
           std::pair{"http:3128/", "http:3128/"},
           std::pair{"http://http:3128", "http://http:3128"},
           std::pair{"http://https:secret@h:1", "http://https:secret@h:1"},
           std::pair{"http:", "http:"},
           // Others.
           std::pair{"h:1", "h:1"},
           std::pair{"ftp://h:1", "ftp://h:1"},
           std::pair{"", ""},
           std::pair{":", ":"},
       }) {
    CAPTURE(value);
    CHECK(with_one_scheme(value) == right);
  }
}

TEST_CASE("a URL's authority begins behind its scheme") {
  CHECK(behind_scheme("http://h") == 7);
  CHECK(behind_scheme("a+b.c-1://h") == 10);
  CHECK(behind_scheme("u:1://h@") == 0);
  CHECK(behind_scheme("x=u://h@") == 0);
  CHECK(behind_scheme("://h") == 0);
  CHECK(behind_scheme("1a://h") == 0);
  CHECK(behind_scheme("h:1") == 0);
  CHECK(behind_scheme("") == 0);
}

TEST_CASE("names of schemes are known in any letters") {
  CHECK(is_proxy_scheme("http"));
  CHECK(is_proxy_scheme("SOCKS5h"));
  CHECK_FALSE(is_proxy_scheme("ftp"));
  CHECK_FALSE(is_proxy_scheme(""));
}

TEST_CASE("a user that a '/', '?' or '#' cuts is seen") {
  for (const auto* const value :
       {"http://u:1/x@h", "u:1/x@h", "http://u:1?x@h", "http://u#x@h", "'http://u:1/x@h'",
        "http:/u:1/x@h", "http://h:1/?at=@", "x=u:1://h@", "u:1://h@"}) {
    CAPTURE(value);
    CHECK(has_cut_user(value));
  }
  for (const auto* const value :
       {"http://u:1@h/x", "u:1@h", "http://h", "http://http://u:1@h", "http:/u:1@h/", "", "@"}) {
    CAPTURE(value);
    CHECK_FALSE(has_cut_user(value));
  }
}
