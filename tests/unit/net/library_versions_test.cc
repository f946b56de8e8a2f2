#include "net/library_versions.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("the versions of shared libraries begin with the supported number") {
  CHECK(libuv_version().starts_with("1."));
  CHECK(openssl_version().starts_with("3."));
  CHECK(c_ares_version().starts_with("1."));
  CHECK(openssl_version().find(' ') == std::string_view::npos);
}
