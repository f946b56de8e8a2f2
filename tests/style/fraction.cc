// Compiled as the proxy is: well without FRACTION, and not at all with a fraction in it.
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>

std::string whole(int number, const std::vector<int>& numbers) {
  return fmt::format("{} {:02} {}", number, number, fmt::join(numbers, ",")) +
         fmt::to_string(number);
}

#ifdef FRACTION
std::string fraction(FRACTION number, const std::vector<FRACTION>& numbers) {
  std::string text;
#if defined(JOINED)
  text = fmt::format("{}", fmt::join(numbers, ","));
#elif defined(APPENDED)
  fmt::format_to(std::back_inserter(text), "{}", number);
#elif defined(ALONE)
  text = fmt::to_string(number);
#else
  text = fmt::format("{:.1f}", number);
#endif
  return text;
}
#endif
