// Catch2, whichever of its two major versions the system has.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <string>
#include <utility>

#include <catch2/catch_all.hpp>

// What Catch2 3 calls otherwise. Its own Contains is for ranges.
namespace Catch {
namespace Matchers {
inline StringContainsMatcher Contains(std::string text) {
  return ContainsSubstring(std::move(text));
}
inline StringContainsMatcher Contains(const char* text) { return ContainsSubstring(text); }
}  // namespace Matchers
using Matchers::EndsWith;
using Matchers::StartsWith;
}  // namespace Catch
#else
#include <catch2/catch.hpp>
#endif
