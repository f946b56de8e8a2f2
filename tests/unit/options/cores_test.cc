#include "options/cores.h"

#include "support/catch.h"

TEST_CASE("there is a core to run on") { CHECK(culvert::usable_cores() >= 1); }
