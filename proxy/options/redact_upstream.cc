#include "options/redact_upstream.h"

#include <algorithm>

#include "base/redact.h"
#include "base/text.h"
#include "options/credential_file.h"
#include "options/upstream_options.h"

namespace culvert {
namespace {

constexpr auto kNone = std::string_view::npos;

std::string_view name_of(std::string_view option) {
  return trim_space(option.substr(0, option.find('=')));
}

std::string_view value_of(std::string_view option) {
  const std::size_t equals = option.find('=');
  return equals == kNone ? std::string_view() : trim_space(option.substr(equals + 1));
}

bool is_path(std::string_view value) {
  return value.starts_with('/') || value.starts_with(kCredentialMark);
}

/// The user could name a file or a host in it, but hardly anything that is secret.
std::string redact_option_value(std::string_view value) {
  if (is_path(value)) return printable(value);
  const auto decoded = percent_decode(value);
  if (!decoded) return std::string(kHidden);
  std::string shown = redact(*decoded);
  return shown == *decoded ? printable(value) : shown;
}

std::string redact_options(std::string_view query) {
  std::string shown;
  for (const std::string_view option : split(query, '&')) {
    if (!shown.empty()) shown += '&';
    const bool has_value = option.find('=') != kNone;
    if (is_upstream_option(name_of(option))) {
      shown +=
          has_value ? redact_option(name_of(option), value_of(option), query) : std::string(option);
    } else {
      if (has_value) shown.append(name_of(option)).append("=");
      shown += kHidden;
    }
  }
  return shown;
}

}  // namespace

bool may_be_password(std::string_view query) {
  const std::size_t hash = query.find('#');
  if (hash != kNone && query.find('@', hash) != kNone) return true;
  for (const std::string_view option : split(query, '&')) {
    if (option.find('@') == kNone) continue;
    if (!is_upstream_option(name_of(option)) || !is_path(value_of(option))) return true;
  }
  return false;
}

std::string redact_option(std::string_view name, std::string_view value, std::string_view query) {
  std::string shown(name);
  shown += '=';
  return shown.append(may_be_password(query) ? kHidden : redact_option_value(value));
}

std::string redact_upstream(std::string_view url) {
  const std::size_t question = url.find('?');
  if (question == kNone) return redact_url(url);
  const std::string_view query = url.substr(question + 1);
  if (may_be_password(query)) return redact_url(url);
  std::string before = redact_url(url.substr(0, question));
  // Where the host should end is uncertain already.
  if (before.ends_with(kHidden)) return before;
  return printable(before + "?" + redact_options(query));
}

std::optional<std::string> with_login_hidden(std::string_view url) {
  constexpr std::string_view kMark = "://";
  const std::size_t mark = url.find(kMark);
  if (mark == kNone) return std::nullopt;
  const std::size_t begin = mark + kMark.size();
  const std::string_view authority =
      url.substr(begin, std::min(url.find_first_of("/?#", begin), url.size()) - begin);
  const std::size_t at = authority.rfind('@');
  if (at == kNone || authority.substr(0, at).find(':') == kNone) return std::nullopt;
  return concat({url.substr(0, begin), kHidden, url.substr(begin + at)});
}

}  // namespace culvert
