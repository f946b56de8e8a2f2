#include "base/shell_text.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("a word for sh is quoted if it has to be") {
  CHECK(shell_quoted("socks5://127.0.0.1:1080") == "socks5://127.0.0.1:1080");
  CHECK(shell_quoted("https://p:1?ca=x&via=y") == "'https://p:1?ca=x&via=y'");
  CHECK(shell_quoted("") == "''");
  CHECK(shell_quoted("it's") == "'it'\\''s'");
  CHECK(shell_quoted("a\nb") == "'a\nb'");
}
