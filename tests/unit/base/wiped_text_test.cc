#include "base/wiped_text.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("a text is overwritten as far as it has room") {
  std::string text(100, 's');
  text.resize(3);
  const char* const bytes = text.data();
  wipe_text(text);
  CHECK(text.empty());
  CHECK(text.data() == bytes);
  CHECK(std::string(bytes, 100) == std::string(100, '\0'));
}

TEST_CASE("what is appended stands behind what there was") {
  std::string text;
  std::string wanted;
  for (int i = 0; i < 200; ++i) {
    append_wiping(text, std::to_string(i));
    wanted += std::to_string(i);
  }
  CHECK(text == wanted);
  append_wiping(text, {});
  CHECK(text == wanted);
}
