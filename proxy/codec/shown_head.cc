#include "codec/shown_head.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/redact.h"
#include "base/text.h"

namespace culvert {
namespace {

constexpr std::size_t kLongestShown = 200;
constexpr std::size_t kMostFields = 40;

/// Fields whose values are shown, in lower case.
constexpr auto kShownFields = std::to_array<std::string_view>({
    "accept",
    "accept-encoding",
    "accept-ranges",
    "age",
    "allow",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "docker-content-digest",
    "docker-distribution-api-version",
    "etag",
    "expect",
    "expires",
    "host",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "keep-alive",
    "last-modified",
    "max-forwards",
    "proxy-connection",
    "proxy-status",
    "range",
    "retry-after",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "warning",
    "x-squid-error",
});

/// Their first word names the scheme, and what follows may be part of a sign-in.
constexpr auto kChallenges =
    std::to_array<std::string_view>({"proxy-authenticate", "www-authenticate"});

template <std::size_t N>
bool is_among(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view known) { return iequals(known, name); });
}

/// A URL, or a part of one, without what may be a secret.
std::string shown_url(std::string_view url) {
  const std::size_t end = std::min(url.find_first_of("?#"), url.size());
  std::string_view plain = url.substr(0, end);
  const std::size_t scheme = plain.find("//");
  const std::size_t authority = scheme == std::string_view::npos ? 0 : scheme + 2;
  const bool has_authority = scheme != std::string_view::npos || !plain.starts_with('/');
  std::string out;
  if (has_authority) {
    const std::size_t path = std::min(plain.find('/', authority), plain.size());
    const std::size_t at = plain.substr(0, path).rfind('@');
    if (at != std::string_view::npos) {
      out = concat({plain.substr(0, authority), kHidden, "@"});
      plain.remove_prefix(at + 1);
    }
  }
  out += plain;
  if (end < url.size()) out += "?...";
  return out;
}

std::string shown_value(const Field& field) {
  if (is_among(kShownFields, field.name)) return std::string(field.value);
  if (iequals(field.name, "location")) return shown_url(field.value);
  if (is_among(kChallenges, field.name)) {
    const std::size_t blank = std::min(field.value.find(' '), field.value.size());
    return concat({field.value.substr(0, blank), blank < field.value.size() ? " ..." : ""});
  }
  return "(not shown)";
}

void append_line(std::string& out, std::string_view line) {
  if (!out.empty()) out += '\n';
  out += printable(line, kLongestShown);
}

std::string with_fields(std::string out, const std::vector<Field>& fields) {
  std::size_t left = kMostFields;
  for (const Field& field : fields) {
    if (left-- == 0) {
      append_line(out, "...");
      break;
    }
    append_line(out, concat({field.name, ": ", shown_value(field)}));
  }
  return out;
}

std::string version_of(const MessageHead& head) {
  return concat({"HTTP/", std::to_string(head.major), ".", std::to_string(head.minor)});
}

std::string without_echoes(const std::string& lines,
                           const std::optional<Credentials>& credentials) {
  std::string out;
  for (const std::string_view line : split(lines, '\n')) {
    append_line(out, redact_cut_echo(line, credentials));
  }
  return out;
}

std::string bytes_of(std::string_view bytes) {
  return concat({"(", std::to_string(bytes.size()), " bytes)"});
}

/// The head that `bytes` begin with; empty if there is no whole one.
std::string_view whole_head(std::string_view bytes, HeadScanner::Kind kind) {
  HeadScanner scanner(kind);
  const auto end = scanner.scan(bytes);
  if (!end || !*end) return {};
  return bytes.substr(scanner.begin(), **end - scanner.begin());
}

}  // namespace

std::string shown_head(const RequestHead& head) {
  std::string out;
  append_line(out, concat({head.method, " ", shown_url(head.target), " ", version_of(head)}));
  return with_fields(std::move(out), head.fields);
}

std::string shown_head(const ResponseHead& head, const std::optional<Credentials>& credentials) {
  std::string out;
  append_line(out, concat({version_of(head), " ", std::to_string(head.status),
                           head.reason.empty() ? "" : " ", head.reason}));
  return without_echoes(with_fields(std::move(out), head.fields), credentials);
}

std::string shown_request(std::string_view bytes) {
  const std::string_view whole = whole_head(bytes, HeadScanner::Kind::request);
  RequestHead head;
  if (whole.empty() || !parse_request_head(whole, HeadLimits{}, head)) return bytes_of(bytes);
  return shown_head(head);
}

std::string shown_response(std::string_view bytes, const std::optional<Credentials>& credentials) {
  const std::string_view whole = whole_head(bytes, HeadScanner::Kind::response);
  ResponseHead head;
  if (whole.empty() || !parse_response_head(whole, HeadLimits{}, head)) return bytes_of(bytes);
  return shown_head(head, credentials);
}

}  // namespace culvert
