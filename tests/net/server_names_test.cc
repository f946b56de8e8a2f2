// Which certificate is for a name.
#include "net/server_names.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("RFC 6125 6.4.3: a name is found exactly before a wildcard, which is one label") {
  ServerNames names;
  names.add("*.Example.org", 1);
  names.add("proxy.example.org", 2);
  names.add("proxy.example.org", 3);
  names.add("other.example", 4);
  CHECK(names.find("proxy.example.org") == 2);
  CHECK(names.find("PROXY.example.ORG.") == 2);
  CHECK(names.find("any.example.org") == 1);
  CHECK(names.find("a.b.example.org") == std::nullopt);
  CHECK(names.find("example.org") == std::nullopt);
  CHECK(names.find(".example.org") == std::nullopt);
  CHECK(names.find("*.example.org") == std::nullopt);
  CHECK(names.find("other.example") == 4);
  CHECK(names.find("") == std::nullopt);
  CHECK(names.find(".") == std::nullopt);
}
