#include "base/random_number.h"

#include <set>

#include "support/catch.h"

using namespace culvert;

TEST_CASE("random numbers differ") {
  std::set<unsigned> seen;
  for (int i = 0; i < 100; ++i) seen.insert(random_number());
  CHECK(seen.size() > 90);
}
