#include "check/link.h"

#include <string>

#include "support/catch.h"

using namespace culvert;

namespace {

std::string resolved(const std::string& base, const std::string& location) {
  const auto link = Link::parse(base).value().resolve(location);
  return link ? link->url() : "refused: " + link.error().text;
}

}  // namespace

TEST_CASE("a URL is read as a request for it needs it") {
  CHECK(Link::parse("https://gcr.io").value().url() == "https://gcr.io/");
  CHECK(Link::parse("https://gcr.io:443/a?b#c").value().url() == "https://gcr.io/a?b");
  CHECK(Link::parse("http://h:443?q").value().url() == "http://h:443/?q");
  CHECK(Link::parse("https://u:p@h/a b\n").value().url() == "https://h/a%20b%0A");
  CHECK(Link::parse("https://[2001:db8::1]/").value().host_field() == "[2001:db8::1]");
  CHECK(Link::parse("https://h/token?secret=1").value().shown() == "https://h");
  CHECK_FALSE(Link::parse("gcr.io"));
  CHECK_FALSE(Link::parse("https:/gcr.io"));
}

TEST_CASE("RFC 3986 5.2: where a redirect leads to") {
  const std::string base = "https://a.example/b/c/d?q";
  CHECK(resolved(base, "https://b.example/x?y") == "https://b.example/x?y");
  CHECK(resolved(base, "//b.example:5000") == "https://b.example:5000/");
  CHECK(resolved(base, "/x?y=/..") == "https://a.example/x?y=/..");
  CHECK(resolved(base, "x") == "https://a.example/b/c/x");
  CHECK(resolved(base, "./x") == "https://a.example/b/c/x");
  CHECK(resolved(base, "../x") == "https://a.example/b/x");
  CHECK(resolved(base, "../../../x/") == "https://a.example/x/");
  CHECK(resolved(base, "..") == "https://a.example/b/");
  CHECK(resolved(base, "?z") == "https://a.example/b/c/d?z");
  CHECK(resolved(base, "") == "https://a.example/b/c/d?q");
  CHECK(resolved(base, "/a:b") == "https://a.example/a:b");
  CHECK(resolved(base, "ftp://x/").starts_with("refused"));
  CHECK(resolved(base, "https://").starts_with("refused"));
}
