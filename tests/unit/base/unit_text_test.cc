#include "base/unit_text.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("a variable of a unit is one word, without specifiers") {
  CHECK(quote_unit_environment("A", "") == R"("A=")");
  CHECK(quote_unit_environment("A", "b c") == R"("A=b c")");
  CHECK(quote_unit_environment("A", R"(50%"\)") == R"("A=50%%\"\\")");
}
