#include "check/peer_words.h"

#include <string>

#include "support/catch.h"

using namespace culvert;

TEST_CASE("a peer's words have single blanks and no end of line") {
  CHECK(peer_words("Not Found", 80) == "Not Found");
  CHECK(peer_words(" \t a \r\n\n  b  ", 80) == "a b");
  CHECK(peer_words("  \n ", 80).empty());
  CHECK(peer_words("\x1b[31m", 80) == "?[31m");
  CHECK(peer_words(std::string(100, 'x'), 20).size() <= 23);
}
