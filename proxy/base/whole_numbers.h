#pragma once

#include <string>

#include <fmt/core.h>

/// For a build where fmt has no code for fractions, so that it would print nothing for one: what
/// formats a fraction does not compile.  CMakeLists.txt includes it into every source; that a
/// format string is known only when the program runs (fmt::runtime) is not found.

namespace culvert {

template <typename T>
struct FractionFormatter {
  template <typename Context>
  constexpr auto parse(Context& context) const {
    static_assert(sizeof(Context) == 0,
                  "fmt prints nothing for a fraction: scale it to an integer");
    return context.begin();
  }
  template <typename Context>
  auto format(T, Context& context) const {
    return context.out();
  }
};

}  // namespace culvert

template <>
struct fmt::formatter<float> : culvert::FractionFormatter<float> {};
template <>
struct fmt::formatter<double> : culvert::FractionFormatter<double> {};
template <>
struct fmt::formatter<long double> : culvert::FractionFormatter<long double> {};

FMT_BEGIN_NAMESPACE
std::string to_string(float) = delete;
std::string to_string(double) = delete;
std::string to_string(long double) = delete;
FMT_END_NAMESPACE
