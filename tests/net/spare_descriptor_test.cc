#include "net/spare_descriptor.h"

#include <unistd.h>

#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;

TEST_CASE("a spare descriptor is held from when it is wanted until it goes") {
  const std::size_t files = open_files();
  {
    SpareDescriptor spare;
    CHECK_FALSE(spare.held());
    CHECK_FALSE(spare.give());
    CHECK(spare.regain());
    CHECK(spare.held());
    CHECK(spare.regain());
    CHECK(open_files() == files + 1);
  }
  CHECK(open_files() == files);
}

TEST_CASE("a descriptor that is closed helps against a lack of those alone") {
  CHECK(is_lack_of_descriptors(EMFILE));
  CHECK(is_lack_of_descriptors(ENFILE));
  CHECK_FALSE(is_lack_of_descriptors(ENOMEM));
  CHECK_FALSE(is_lack_of_descriptors(ENOSPC));
}

TEST_CASE(
    "the place of a spare descriptor is for what is opened next, and taken again after that") {
  SpareDescriptor spare;
  REQUIRE(spare.regain());
  const FileLimit none_left;
  CHECK(spare.give());
  CHECK_FALSE(spare.held());
  Fd other(dup(STDERR_FILENO));
  CHECK(other.get() >= 0);
  CHECK_FALSE(spare.regain());
  other.reset();
  CHECK(spare.regain());
  CHECK(spare.held());
  CHECK(Fd(dup(STDERR_FILENO)).get() < 0);
}
