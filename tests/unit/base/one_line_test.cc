#include "base/one_line.h"

#include <string>

#include "support/catch.h"

using namespace culvert;

TEST_CASE("a line for a terminal has nothing in it that a terminal obeys") {
  CHECK(one_line("  gcr.io:443\n", true) == "gcr.io:443?");
  CHECK(one_line("a\x1b[2Jb\r\nc\x7f", true) == "a?[2Jb??c?");
  CHECK(one_line(std::string("a\0b", 3), true) == "a?b");
  CHECK(one_line("a\u009bm\u202eb\u2066c\u2028d", true) == "a?m?b?c?d");
  CHECK(one_line("\u4f8b\xff\u00e9", true) == "\u4f8b?\u00e9");
}

TEST_CASE("a terminal without UTF-8 is sent ASCII alone") {
  CHECK(one_line("a\u00e9b", false) == "a??b");
  CHECK(one_line("a\u009bb", false) == "a??b");
}
