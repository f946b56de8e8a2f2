#include "host/go_url.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace culvert {
namespace {

constexpr auto kAbsent = std::string_view::npos;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Each '%' begins an escape.
bool escapes_are_whole(std::string_view text) { return percent_decode(text).has_value(); }

/// Cuts the scheme off `text`; nullopt: the ':' has none in front of it.
std::optional<std::string> cut_scheme(std::string_view& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_letter(c)) continue;
    if (is_digit(c) || c == '+' || c == '-' || c == '.') {
      if (i == 0) return "";
      continue;
    }
    if (c != ':') return "";
    if (i == 0) return std::nullopt;
    std::string scheme = to_lower(text.substr(0, i));
    text.remove_prefix(i + 1);
    return scheme;
  }
  return "";
}

bool is_user_char(char c) {
  constexpr std::string_view kMarks = "-._:~!$&'()*+,;=%@";
  return is_letter(c) || is_digit(c) || kMarks.find(c) != kAbsent;
}

/// ":8080", ":" or nothing.
bool is_port(std::string_view text) {
  if (text.empty()) return true;
  return text[0] == ':' && std::all_of(text.begin() + 1, text.end(), is_digit);
}

/// Bytes outside ASCII are taken as they are, and may be escaped.
bool is_host_char(char c) {
  constexpr std::string_view kMarks = "-._~!$&'()*+,;=:[]<>\"";
  return (c & 0x80) != 0 || is_letter(c) || is_digit(c) || kMarks.find(c) != kAbsent;
}

bool is_host(std::string_view host) {
  const bool bracketed = host.starts_with('[');
  const std::size_t before_port = bracketed ? host.rfind(']') : host.rfind(':');
  if (bracketed && before_port == kAbsent) return false;
  if (before_port != kAbsent && !is_port(host.substr(before_port + (bracketed ? 1 : 0)))) {
    return false;
  }
  for (std::size_t i = 0; i < host.size(); ++i) {
    if (host[i] != '%') {
      if (!is_host_char(host[i])) return false;
      continue;
    }
    // An escape of a byte outside ASCII, or the '%' before the zone of an IPv6 address.
    const auto byte = percent_decode(host.substr(i, 3));
    if (!byte || ((byte->front() & 0x80) == 0 && !(bracketed && *byte == "%"))) return false;
    i += 2;
  }
  return true;
}

}  // namespace

std::optional<GoUrl> parse_go_url(std::string_view text) {
  if (has_control(text)) return std::nullopt;
  const std::size_t hash = std::min(text.find('#'), text.size());
  if (!escapes_are_whole(text.substr(hash))) return std::nullopt;
  text = text.substr(0, hash);
  auto scheme = cut_scheme(text);
  if (!scheme) return std::nullopt;
  GoUrl url{std::move(*scheme), {}, false};
  text = text.substr(0, text.find('?'));
  if (!text.starts_with('/')) {
    if (!url.scheme.empty()) return url;
    if (text.substr(0, text.find('/')).find(':') != kAbsent) return std::nullopt;
  }
  if (text.starts_with("//") && (!url.scheme.empty() || !text.starts_with("///"))) {
    text.remove_prefix(2);
    const std::size_t slash = std::min(text.find('/'), text.size());
    std::string_view authority = text.substr(0, slash);
    text.remove_prefix(slash);
    if (const std::size_t at = authority.rfind('@'); at != kAbsent) {
      const std::string_view user = authority.substr(0, at);
      if (!std::all_of(user.begin(), user.end(), is_user_char)) return std::nullopt;
      if (!escapes_are_whole(user)) return std::nullopt;
      url.has_user = true;
      authority.remove_prefix(at + 1);
    }
    if (!is_host(authority)) return std::nullopt;
    url.authority = authority;
  }
  if (!escapes_are_whole(text)) return std::nullopt;
  return url;
}

std::optional<GoUrl> parse_go_proxy(std::string_view value) {
  auto url = parse_go_url(value);
  if (url && !url->scheme.empty() && !url->authority.empty()) return url;
  auto with_scheme = parse_go_url(std::string("http://").append(value));
  return with_scheme ? with_scheme : url;
}

}  // namespace culvert
