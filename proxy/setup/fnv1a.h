#pragma once

#include <cstdint>
#include <string_view>

namespace culvert {

/// The hash FNV-1a, of 32 bits: tells a change by hand, and is no protection against a forger.
constexpr std::uint32_t fnv1a(std::string_view text) {
  std::uint32_t sum = 2166136261U;
  for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 16777619U;
  return sum;
}

}  // namespace culvert
