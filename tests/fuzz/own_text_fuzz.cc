// Lines of ours in any file: what is installed is found again, replaced in its place, and taken out
// so that the file is as it was, byte for byte.
#include "setup/own_text.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fuzz/fuzz.h"

using namespace culvert;

namespace {

FileEdit edit_of(const std::optional<std::string>& before, std::string_view body) {
  FileEdit edit;
  edit.before = edit.without = before;
  put_block(edit, "npm", body, "#", 2);
  return edit;
}

void check_kept(const std::optional<std::string>& before) {
  const FileEdit first = edit_of(before, "a=b\n");
  if (!first.cannot_install.empty()) {
    FUZZ_CHECK(!first.with && first.without == before);
    return;
  }
  const FileEdit again = edit_of(first.with, "a=b\n");
  FUZZ_CHECK(again.cannot_install.empty());
  FUZZ_CHECK(again.with == first.with);
  FUZZ_CHECK(again.without == first.without);
  const FileEdit other = edit_of(first.with, "c\nd\n");
  FUZZ_CHECK(other.without == first.without);
  FUZZ_CHECK(edit_of(other.with, "a=b\n").with == first.with);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  check_kept(input);
  if (input.empty()) check_kept(std::nullopt);
  return 0;
}
