#include "base/utf8.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("a sequence of UTF-8 has a length, what is none has not") {
  CHECK(utf8_length("ab") == 1);
  CHECK(utf8_length("\u00e9x") == 2);
  CHECK(utf8_length("\u20acx") == 3);
  CHECK(utf8_length("\U0001f600x") == 4);
  for (const char* const none :
       {"\x80", "\xff", "\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80", "\xe2\x82x", "\xf5\x80\x80\x80"}) {
    CAPTURE(none);
    CHECK(utf8_length(none) == 0);
  }
}

TEST_CASE("a character is appended with as many bytes as it has") {
  std::string text = "x";
  for (const std::uint32_t code : {0x41U, 0xe9U, 0x7ffU, 0x800U, 0x20acU, 0xffffU, 0x1f600U}) {
    append_utf8(text, code);
  }
  CHECK(text == "xA\u00e9\u07ff\u0800\u20ac\uffff\U0001f600");
}
