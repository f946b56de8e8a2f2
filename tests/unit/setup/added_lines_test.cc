#include "setup/added_lines.h"

#include "support/catch.h"

namespace culvert {
namespace {

TEST_CASE("what others have put between our lines is told from them") {
  const auto sums = line_sums("[http]\n\tproxy = x\n");
  CHECK(added_lines("[http]\n\tproxy = x\n", sums).empty());
  CHECK(added_lines("[http]\r\n\tproxy = x\r\n", sums).empty());
  CHECK(added_lines("[http]\n\tproxy = x\n\ta = 1\n", sums) == "[http]\n\ta = 1\n");
  CHECK(added_lines("[http]\n\tproxy = y\n\tproxy = x\n\tb = 1", sums) ==
        "[http]\n\tproxy = y\n\tb = 1");
  CHECK(added_lines("[hh]\n\tproxy = x\n\ta = 1\n", sums) == "[hh]\n\ta = 1\n");
  CHECK(added_lines("", sums).empty());
}

TEST_CASE("our lines are known where the end mark is gone") {
  const auto sums = line_sums("[http]\n\tproxy = x\n");
  CHECK(length_of_own_lines("[http]\n\tproxy = x\n[user]\n", sums) == 18);
  CHECK(length_of_own_lines("[user]\n", sums) == 0);
  CHECK(length_of_own_lines("[http]\n\tproxy = own\n", sums) == 0);
  CHECK(length_of_own_lines("", sums) == 0);
}

}  // namespace
}  // namespace culvert
