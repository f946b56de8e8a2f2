#include "config/redact.h"

#include <algorithm>

#include "base/ip_address.h"
#include "base/text.h"
#include "config/upstream_options.h"

namespace culvert {
namespace {

constexpr std::string_view kHidden = "***";

/// Where user and password would begin: behind "://", else behind "NAME=" and "scheme:".
std::size_t authority_begin(std::string_view url) {
  const std::size_t slashes = url.find("://");
  if (slashes != std::string_view::npos) return slashes + 3;
  const std::size_t equals = url.find('=');
  std::size_t begin = 0;
  if (equals != std::string_view::npos && equals < url.find_first_of(":/?@")) begin = equals + 1;
  for (const std::string_view scheme :
       {"socks5:", "socks5h:", "socks:", "socks4:", "socks4a:", "http:", "https:"}) {
    if (to_lower(url.substr(begin)).starts_with(scheme)) return begin + scheme.size();
  }
  return begin;
}

/// "user:secret" or "user%3Asecret", typed without the "@host", looks like a host and a port.
std::string hide_odd_port(std::string_view authority) {
  if (authority.find('%') != std::string_view::npos) return std::string(kHidden);
  const std::size_t bracket = authority.find(']');
  const bool is_ipv6 = bracket != std::string_view::npos && authority.front() == '[' &&
                       IpAddress::parse(authority.substr(1, bracket - 1));
  const std::size_t colon = authority.find(':', is_ipv6 ? bracket : 0);
  if (colon == std::string_view::npos) return std::string(authority);
  const std::string_view port = authority.substr(colon + 1);
  const bool is_number =
      std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (is_number && port.size() <= 5) return std::string(authority);
  return std::string(authority.substr(0, colon + 1)).append(kHidden);
}

std::string hide_unknown_options(std::string_view query) {
  std::string shown;
  for (const std::string_view part : split(query, '&')) {
    if (!shown.empty()) shown += '&';
    const std::size_t equals = part.find('=');
    if (is_upstream_option(part.substr(0, equals))) {
      shown += part;
    } else {
      if (equals != std::string_view::npos) shown += part.substr(0, equals + 1);
      shown += kHidden;
    }
  }
  return shown;
}

/// "?connect-timeout=5s" or "/?ca=/home/me@work/ca.pem"
bool begins_with_option(std::string_view tail) {
  if (tail.starts_with('/')) tail.remove_prefix(1);
  if (!tail.starts_with('?')) return false;
  tail.remove_prefix(1);
  return is_upstream_option(tail.substr(0, tail.find('=')));
}

}  // namespace

std::string redact_url(std::string_view url) {
  const std::size_t begin = authority_begin(url);
  std::string shown(url.substr(0, begin));
  std::string_view rest = url.substr(begin);
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  if (rest.rfind('@') != std::string_view::npos && rest.rfind('@') > end &&
      !begins_with_option(rest.substr(end))) {
    // A password holds an unescaped '/', '?' or '#', and nobody knows where it ends.
    return printable(shown.append(kHidden));
  }
  if (const std::size_t at = rest.substr(0, end).rfind('@'); at != std::string_view::npos) {
    shown.append(kHidden);
    rest.remove_prefix(at);
  }
  const std::size_t question = rest.find('?');
  const std::string_view before = rest.substr(0, question);
  const std::size_t authority_end = before.find_first_of("/#");
  shown += hide_odd_port(before.substr(0, authority_end));
  if (authority_end != std::string_view::npos) {
    // No path or fragment has a meaning, so what looks like one may be a part of a password.
    shown += before[authority_end];
    if (authority_end + 1 < before.size()) shown += kHidden;
  }
  if (question != std::string_view::npos) {
    shown += '?';
    shown += hide_unknown_options(rest.substr(question + 1));
  }
  return printable(shown);
}

std::string redact_value(std::string_view value) {
  const bool looks_like_url =
      value.find("://") != std::string_view::npos || value.find('@') != std::string_view::npos;
  return looks_like_url ? redact_url(value) : printable(value);
}

}  // namespace culvert
