// What the fuzz targets share: how one is written, a check that always holds, and input cut at
// random.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string_view>

#include "support/cuts.h"

// What is done with an input, of `size` bytes at `data`: FUZZ_TARGET(name) {...} in name_fuzz.cc.
#define FUZZ_TARGET(name)                                                 \
  static void fuzz_##name(const std::uint8_t* data, std::size_t size);    \
  [[maybe_unused]] static const bool name##_is_known =                    \
      ::culvert::test::fuzz_targets().emplace(#name, fuzz_##name).second; \
  static void fuzz_##name(const std::uint8_t* data, std::size_t size)

// assert() that stays in every build.
#define FUZZ_CHECK(condition)                                                            \
  do {                                                                                   \
    if (!(condition)) {                                                                  \
      std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                      \
    }                                                                                    \
  } while (false)

namespace culvert::test {

using FuzzTarget = void (*)(const std::uint8_t* data, std::size_t size);

/// Those of the program, by their names.
inline std::map<std::string_view, FuzzTarget>& fuzz_targets() {
  static std::map<std::string_view, FuzzTarget> targets;
  return targets;
}

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Error texts reach people and header fields.
inline bool is_clean(std::string_view text) {
  for (const char c : text) {
    if (c < ' ' || c > '~') return false;
  }
  return !text.empty() && text.size() <= 300;
}

}  // namespace culvert::test
