#include "policy/impossible_host.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("marks that no host and no address has") {
  for (const char* const text :
       {"'localhost", "gcr.io'", "\"gcr.io\"", "`gcr.io`", "\xe2\x80\x99gcr.io", "$HOSTS",
        "${HOSTS}", "{{ .Hosts }}", "%HOSTS%", "a;b", "a|b", "10.0.0.1-10.0.0.9",
        "10.0.0.1 - 10.0.0.9", "10.0.0.1-9", "10.0.0.1-0.9", "10.0.0.1-9:80",
        "2001:db8::1-2001:db8::9"}) {
    INFO(text);
    CHECK_FALSE(impossible_host(text).empty());
  }
  for (const char* const text : {"", "gcr.io", ".gcr.io", "*", "10.0.0.0/8", "10.0.0.1", "a-b.io",
                                 "-", "10.0.0.1-static.example", "ip-10-0-0-1.example",
                                 "fe80::1%eth0", "[2001:db8::]/32:443", "a b"}) {
    INFO(text);
    CHECK(impossible_host(text).empty());
  }
}

TEST_CASE("names that a target can have") {
  for (const char* const name : {"gcr.io", "localhost", "_x.a-b.example", "x.1a", "a.0xg"}) {
    CHECK(may_be_target(name));
  }
  for (const char* const name : {"", "a.1", "a.0x7f", "a..b", "<local>", "a b", "a+b"}) {
    CHECK_FALSE(may_be_target(name));
  }
}
