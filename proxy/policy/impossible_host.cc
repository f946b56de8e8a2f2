#include "policy/impossible_host.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "base/host_port.h"
#include "base/ip_address.h"
#include "base/text.h"

namespace culvert {
namespace {

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool has_quote(std::string_view text) {
  if (text.find_first_of("'\"`") != std::string_view::npos) return true;
  constexpr std::string_view kCurly[] = {"\u2018", "\u2019", "\u201c", "\u201d", "\u201e"};
  return std::any_of(std::begin(kCurly), std::end(kCurly),
                     [&](std::string_view quote) { return holds(text, quote); });
}

/// $NAME, ${NAME}, {{ .name }}, and %NAME% of Windows.
bool has_variable(std::string_view text) {
  if (text.find_first_of("${}") != std::string_view::npos) return true;
  const std::size_t first = text.find('%');
  return first != std::string_view::npos && text.find('%', first + 1) != std::string_view::npos;
}

/// 10.0.0.1-10.0.0.9 or 10.0.0.1-9
bool is_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return false;
  const auto first = IpAddress::parse(trim(text.substr(0, dash)));
  if (!first) return false;
  std::string_view last = trim(text.substr(dash + 1));
  if (first->is_v4()) last = last.substr(0, last.find(':'));  // a port
  return IpAddress::parse(last) ||
         std::all_of(last.begin(), last.end(), [](char c) { return is_digit(c) || c == '.'; });
}

}  // namespace

std::string_view impossible_host(std::string_view text) {
  if (has_quote(text)) return "holds a quote, which is no part of a host; leave the quotes out";
  if (has_variable(text)) return "holds a variable that nothing has replaced";
  if (text.find_first_of(";|") != std::string_view::npos) {
    return "holds a ';' or '|'; entries are separated by commas alone";
  }
  if (is_range(text)) return "is a range; addresses are written as blocks, as in 172.17.0.0/16";
  return {};
}

bool may_be_target(std::string_view name) { return HostPort::from(name, 1).ok(); }

}  // namespace culvert
