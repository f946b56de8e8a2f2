#include "codec/llhttp_version.h"

#include <algorithm>
#include <string>

#include "support/catch.h"

using namespace culvert;

TEST_CASE("the version of llhttp has three numbers") {
  const std::string version = llhttp_version();
  CHECK(std::count(version.begin(), version.end(), '.') == 2);
  CHECK(version.find_first_not_of("0123456789.") == std::string::npos);
}
