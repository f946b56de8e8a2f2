#include "base/redact.h"

#include <algorithm>
#include <array>

#include "base/ip_address.h"
#include "base/port_mark.h"
#include "base/text.h"

namespace culvert {
namespace {

constexpr auto kNone = std::string_view::npos;

/// How long an IPv6 address at the beginning of `text` is, its opening bracket included; else 0.
std::size_t ipv6_length(std::string_view text) {
  const std::size_t bracket = text.starts_with('[') ? 1 : 0;
  const std::string_view address = text.substr(bracket);
  const std::size_t end = std::min(address.find_first_of("]%/"), address.size());
  const auto ip = IpAddress::parse(address.substr(0, end));
  return ip && !ip->is_v4() ? bracket + end : 0;
}

/// "user:secret" or "user%3Asecret", typed without the "@host", looks like a host and a port.
std::string hide_odd_port(std::string_view host_and_port) {
  const std::size_t address = ipv6_length(host_and_port);
  if (address == 0 && host_and_port.find('%') != kNone) return std::string(kHidden);
  const std::size_t colon = host_and_port.find(':', address);
  if (colon == kNone) return std::string(host_and_port);
  const std::string_view port = host_and_port.substr(colon + 1);
  const bool is_number = std::all_of(port.begin(), port.end(), is_digit);
  if ((is_number && port.size() <= 5) || port == kPortMark) return std::string(host_and_port);
  return std::string(host_and_port.substr(0, colon + 1)).append(kHidden);
}

/// One of several values in a list; what is known to have a ':' of its own keeps it.
std::string redact_part(std::string_view part) {
  if (part.starts_with('/')) return std::string(part);
  for (const std::string_view prefix : {"unix:", "preset:"}) {
    if (!to_lower(part).starts_with(prefix)) continue;
    return std::string(part.substr(0, prefix.size())) + redact_part(part.substr(prefix.size()));
  }
  return hide_odd_port(part);
}

/// Ends with the first part that is not shown as it is: a password may hold separators, too.
std::string redact_list(std::string_view text) {
  std::string shown;
  while (true) {
    const std::size_t end = std::min(text.find_first_of(",= \t"), text.size());
    const std::string_view part = text.substr(0, end);
    const std::string shown_part = redact_part(part);
    shown += shown_part;
    if (shown_part != part || end == text.size()) return shown;
    shown += text[end];
    text.remove_prefix(end + 1);
  }
}

/// Where user and password would begin, if there is no "://" before: after "NAME=" and "scheme:".
std::size_t authority_begin(std::string_view url) {
  const std::size_t equals = url.find('=');
  std::size_t begin = 0;
  if (equals != kNone && equals < url.find_first_of(":/?@")) begin = equals + 1;
  for (const std::string_view scheme :
       {"socks5:", "socks5h:", "socks:", "socks4:", "socks4a:", "http:", "https:"}) {
    if (to_lower(url.substr(begin)).starts_with(scheme)) return begin + scheme.size();
  }
  return begin;
}

/// What follows "scheme://": user and password, host and port, and the rest.
std::string redact_authority(std::string_view text) {
  std::string shown;
  const std::size_t end = std::min(text.find_first_of("/?#"), text.size());
  const std::size_t at = text.rfind('@');
  // A password holds an unescaped '/', '?' or '#', so its end is unknown.
  if (at != kNone && at > end) return std::string(kHidden);
  std::string_view authority = text.substr(0, end);
  if (at != kNone) {
    shown.append(kHidden);
    authority.remove_prefix(at);
  }
  shown += hide_odd_port(authority);
  if (end == text.size()) return shown;
  // Nothing after the host is needed, and it may be a part of a password.
  shown += text[end];
  if (end + 1 < text.size()) shown += kHidden;
  return shown;
}

/// Whether `text` ends in a beginning of `form` that tells more than a few bytes of it.
bool ends_within(std::string_view text, std::string_view form) {
  constexpr std::size_t kLeast = 4;
  for (std::size_t size = std::min(text.size(), form.size()); size >= kLeast; --size) {
    if (text.ends_with(form.substr(0, size))) return true;
  }
  return false;
}

/// RFC 3986 section 2.3.
bool is_unreserved(char c) {
  return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/// The other forms in which a proxy may repeat a password, all at least as long.  A '=' is padding.
using Forms = std::array<Secret, 3>;

Forms forms_of(const Credentials& credentials) {
  const std::string_view password = credentials.password.reveal();
  return {Secret(percent_encode(password, is_unreserved)), basic_token(credentials),
          Secret(base64_encode(password))};
}

bool holds(std::string_view text, std::string_view password, const Forms& forms) {
  if (text.find(password) != kNone) return true;
  return std::any_of(forms.begin(), forms.end(), [text](const Secret& form) {
    // Without its padding, which may be cut off.
    const std::string_view shown = form.reveal();
    return text.find(shown.substr(0, shown.find('='))) != kNone;
  });
}

bool ends_within_one(std::string_view text, std::string_view password, const Forms& forms) {
  if (ends_within(text, password)) return true;
  return std::any_of(forms.begin(), forms.end(),
                     [text](const Secret& form) { return ends_within(text, form.reveal()); });
}

}  // namespace

std::string redact_url(std::string_view url) {
  const std::size_t slashes = url.find("://");
  const std::string_view head = url.substr(0, slashes);
  // "://" may be within the password: an '@' before it, or "user:" before it and '@' after it.
  const bool may_be_within_password =
      head.find('@') != kNone || (head.find(':') != kNone && url.find('@') != kNone);
  if (slashes == kNone || may_be_within_password) {
    const std::size_t begin = authority_begin(url);
    return printable(std::string(url.substr(0, begin)) + redact_authority(url.substr(begin)));
  }
  std::string shown = redact_list(head);
  if (shown != head) return printable(shown);
  return printable(shown + "://" + redact_authority(url.substr(slashes + 3)));
}

std::string redact(std::string_view text) {
  const bool looks_like_url = text.find("://") != kNone || text.find('@') != kNone;
  return looks_like_url ? redact_url(text) : printable(redact_list(text));
}

std::string_view redact_echo(std::string_view text, const std::optional<Credentials>& credentials) {
  if (!credentials) return text;
  const std::string_view password = credentials->password.reveal();
  // Each of its forms is at least as long; most texts are "OK".
  if (password.empty() || text.size() < password.size()) return text;
  return holds(text, password, forms_of(*credentials)) ? kHidden : text;
}

std::string_view redact_cut_echo(std::string_view text,
                                 const std::optional<Credentials>& credentials) {
  if (!credentials || credentials->password.empty()) return text;
  const std::string_view password = credentials->password.reveal();
  const Forms forms = forms_of(*credentials);
  const bool repeats = holds(text, password, forms) || ends_within_one(text, password, forms);
  return repeats ? kHidden : text;
}

}  // namespace culvert
