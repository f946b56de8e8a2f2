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

FileEdit edit_of(const std::optional<std::string>& before, std::string_view body, bool keeps) {
  FileEdit edit;
  edit.before = edit.without = before;
  BlockRules rules;
  rules.keeps_added = keeps;
  put_block(edit, "npm", body, "#", 2, rules);
  return edit;
}

void check_kept(const std::optional<std::string>& before, bool keeps) {
  const FileEdit first = edit_of(before, "a=b\n", keeps);
  if (!first.cannot_install.empty()) {
    FUZZ_CHECK(!first.with && (keeps || first.without == before));
    return;
  }
  const FileEdit again = edit_of(first.with, "a=b\n", keeps);
  FUZZ_CHECK(again.cannot_install.empty());
  FUZZ_CHECK(again.with == first.with);
  FUZZ_CHECK(again.without == first.without);
  const FileEdit other = edit_of(first.with, "c\nd\n", keeps);
  FUZZ_CHECK(other.without == first.without);
  FUZZ_CHECK(edit_of(other.with, "a=b\n", keeps).with == first.with);
}

}  // namespace

FUZZ_TARGET(own_text) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  for (const bool keeps : {false, true}) {
    check_kept(input, keeps);
    if (input.empty()) check_kept(std::nullopt, keeps);
  }
}
