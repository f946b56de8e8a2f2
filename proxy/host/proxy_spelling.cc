#include "host/proxy_spelling.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace culvert {
namespace {

constexpr auto kNoPlace = std::string_view::npos;

constexpr std::array<std::string_view, 7> kProxySchemes = {"http",    "https",  "socks5h", "socks5",
                                                           "socks4a", "socks4", "socks"};

bool is_space_or_quote(char c) {
  constexpr std::string_view kThese = " \t\r\n\v\f\"'";
  return kThese.find(c) != kNoPlace;
}

/// Of "http:3128" and "http:password@host": what stands before the ':' is no scheme.
bool follows_a_name(std::string_view rest) {
  if (!rest.starts_with('/') && rest.find('@') != kNoPlace) return true;
  const std::string_view port = rest.substr(0, rest.find('/'));
  return rest.empty() || (!port.empty() && std::all_of(port.begin(), port.end(), is_digit));
}

/// The scheme that `value` begins with; empty: none.
std::string_view scheme_of(std::string_view value) {
  const std::size_t colon = value.find(':');
  if (colon == kNoPlace || follows_a_name(value.substr(colon + 1))) return {};
  const auto* const found = std::find(kProxySchemes.begin(), kProxySchemes.end(),
                                      std::string_view(to_lower(value.substr(0, colon))));
  return found == kProxySchemes.end() ? std::string_view() : *found;
}

}  // namespace

std::string_view without_quotes(std::string_view value) {
  while (!value.empty() && is_space_or_quote(value.front())) value.remove_prefix(1);
  while (!value.empty() && is_space_or_quote(value.back())) value.remove_suffix(1);
  return value;
}

std::string with_one_scheme(std::string_view value) {
  std::string_view kept;
  for (auto scheme = scheme_of(value); !scheme.empty(); scheme = scheme_of(value)) {
    // http:// in front of a whole URL may be too much, but that is what most proxies speak.
    if (kept != "http") kept = scheme;
    value.remove_prefix(scheme.size() + 1);
    value.remove_prefix(std::min(value.find_first_not_of('/'), value.size()));
  }
  return kept.empty() ? std::string(value) : std::string(kept).append("://").append(value);
}

bool is_proxy_scheme(std::string_view text) {
  const std::string lower = to_lower(text);
  return std::find(kProxySchemes.begin(), kProxySchemes.end(), lower) != kProxySchemes.end();
}

std::size_t behind_scheme(std::string_view value) {
  const std::size_t slashes = value.find("://");
  if (slashes == kNoPlace || slashes == 0 || is_digit(value.front())) return 0;
  const auto is_part = [](char c) {
    return is_letter_or_digit(c) || c == '+' || c == '-' || c == '.';
  };
  const bool is_all =
      std::all_of(value.begin(), value.begin() + static_cast<std::ptrdiff_t>(slashes), is_part);
  return is_all ? slashes + 3 : 0;
}

bool has_cut_user(std::string_view value) {
  const std::string whole = with_one_scheme(without_quotes(value));
  const std::size_t end = whole.find_first_of("/?#", behind_scheme(whole));
  return end != kNoPlace && whole.find('@', end) != kNoPlace;
}

}  // namespace culvert
