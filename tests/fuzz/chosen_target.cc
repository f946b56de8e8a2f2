// One program has all targets, so that it is linked once: --target=NAME says which one gets the
// inputs.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "fuzz/fuzz.h"

using namespace culvert;

namespace {

test::FuzzTarget chosen = nullptr;

}  // namespace

// libFuzzer leaves alone what begins with two hyphens, and gives it to the processes that it
// starts.
extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  constexpr std::string_view kOption = "--target=";
  for (int i = 1; i < *count; ++i) {
    const std::string_view argument = (*arguments)[i];
    if (!argument.starts_with(kOption)) continue;
    const auto found = test::fuzz_targets().find(argument.substr(kOption.size()));
    if (found != test::fuzz_targets().end()) chosen = found->second;
  }
  if (chosen == nullptr) {
    std::fputs("which one? --target=NAME, and NAME is one of\n", stderr);
    for (const auto& [name, target] : test::fuzz_targets()) {
      std::fprintf(stderr, "  %.*s\n", static_cast<int>(name.size()), name.data());
    }
    std::exit(2);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen(data, size);
  return 0;
}
