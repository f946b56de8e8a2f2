#include "codec/refusal_cause.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "base/host_port.h"
#include "base/text.h"
#include "codec/proxy_status.h"

namespace culvert {
namespace {

/// What a code means.
struct Meaning {
  std::string_view code;
  std::string_view text;
};

template <std::size_t size>
std::string_view text_of(const std::array<Meaning, size>& meanings, std::string_view code) {
  const auto found = std::find_if(meanings.begin(), meanings.end(),
                                  [code](const Meaning& meaning) { return meaning.code == code; });
  return found == meanings.end() ? std::string_view() : found->text;
}

/// Names of squid's error pages.
constexpr std::array kSquidErrors = {
    Meaning{"ERR_ACCESS_DENIED", "its rules deny access"},
    Meaning{"ERR_FORWARDING_DENIED", "its rules deny the way on"},
    Meaning{"ERR_CONNECT_FAIL", "it could not connect"},
    Meaning{"ERR_SECURE_CONNECT_FAIL", "it could not begin TLS"},
    Meaning{"ERR_DNS_FAIL", "the name does not resolve"},
    Meaning{"ERR_CANNOT_FORWARD", "no way on, often a name that does not resolve"},
    Meaning{"ERR_READ_TIMEOUT", "it got no answer in time"},
    Meaning{"ERR_SOCKET_FAILURE", "it is out of sockets"},
    Meaning{"ERR_SHUTTING_DOWN", "it is shutting down"},
    Meaning{"ERR_UNSUP_REQ", "it does not take this request"},
};

/// The errno of a connection that failed, as Linux and the BSDs number them.
constexpr std::array kConnectErrors = {
    Meaning{"111", "connection refused"},   Meaning{"61", "connection refused"},
    Meaning{"110", "connection timed out"}, Meaning{"60", "connection timed out"},
    Meaning{"104", "connection reset"},     Meaning{"54", "connection reset"},
    Meaning{"101", "network unreachable"},  Meaning{"51", "network unreachable"},
    Meaning{"113", "no route to host"},     Meaning{"65", "no route to host"},
};

/// Tor's reasons (its proposal 365), after the part that they come from: "end/TIMEOUT".
constexpr std::array kTorReasons = {
    Meaning{"RESOLVEFAILED", "the name does not resolve"},
    Meaning{"CONNECTREFUSED", "connection refused"},
    Meaning{"EXITPOLICY", "no exit lets it through"},
    Meaning{"TIMEOUT", "it timed out"},
    Meaning{"NOROUTE", "no route to host"},
    Meaning{"CONNRESET", "connection reset"},
    Meaning{"PRIVATE_ADDR", "private addresses are not reached"},
};

/// "ERR_CONNECT_FAIL 111": a name, and an errno or 0.
std::string squid_cause(std::string_view value) {
  const std::size_t blank = std::min(value.find(' '), value.size());
  const std::string_view code = value.substr(0, blank);
  const std::string_view number = trim(value.substr(blank));
  std::string_view text = text_of(kSquidErrors, code);
  if (code.find("CONNECT_FAIL") != std::string_view::npos) {
    if (const auto errno_text = text_of(kConnectErrors, number); !errno_text.empty()) {
      text = errno_text;
    }
  }
  std::string cause(text);
  if (!cause.empty()) cause += ", ";
  cause += code;
  if (!number.empty() && number != "0") (cause += ' ') += number;
  return cause;
}

std::string tor_cause(std::string_view value) {
  const std::string_view text = text_of(kTorReasons, value.substr(value.rfind('/') + 1));
  std::string cause(text);
  if (!cause.empty()) cause += ", ";
  return cause.append("tor ").append(value);
}

std::string plain_cause(std::string_view value) { return std::string(value); }

/// Fields that name a cause, the more precise ones first.
struct CauseField {
  std::string_view name;
  std::string (*cause)(std::string_view value);
};
constexpr std::array kCauseFields = {
    CauseField{"proxy-status", error_in_proxy_status},
    CauseField{"x-squid-error", squid_cause},
    CauseField{"tor-request-failed", tor_cause},
    CauseField{"x-brd-error", plain_cause},  // Bright Data, now and earlier
    CauseField{"x-luminati-error", plain_cause},
};

/// The authority of a URL (RFC 3986 section 3.2) without userinfo; nullopt if it has none.
std::optional<std::string_view> authority_of(std::string_view url) {
  const std::size_t colon = url.find_first_of(":/?#");
  const std::size_t slashes = url.starts_with("//") ? 0 : colon + 1;
  if (colon == std::string_view::npos || url.substr(slashes, 2) != "//") return std::nullopt;
  url.remove_prefix(slashes + 2);
  const std::string_view authority = url.substr(0, url.find_first_of("/?#\\"));
  const std::string_view rest = url.substr(authority.size());
  // These bytes may stand unescaped in a password, whose first part would be taken for a port.
  const bool within_password = authority.find('@') == std::string_view::npos &&
                               authority.find(':') != std::string_view::npos &&
                               rest.find('@') != std::string_view::npos;
  if (within_password) return std::string_view();
  return authority.substr(authority.rfind('@') + 1);
}

}  // namespace

std::string cause_in_fields(const ResponseHead& head) {
  for (const CauseField& known : kCauseFields) {
    for (const Field& field : head.fields) {
      if (field.value.empty() || !iequals(field.name, known.name)) continue;
      std::string cause = known.cause(field.value);
      if (!cause.empty()) return cause;
    }
  }
  return {};
}

std::optional<std::string> redirect_place(const ResponseHead& head) {
  const Field* const location = head.find("location");
  if (location == nullptr || location->value.empty()) return std::nullopt;
  const auto authority = authority_of(location->value);
  if (!authority) return "";
  constexpr std::uint16_t kAnyPort = 80;
  if (!HostPort::parse(*authority, kAnyPort)) return std::nullopt;
  return std::string(*authority);
}

std::string retry_time(const ResponseHead& head) {
  constexpr std::size_t kMost = 29;  // an IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT"
  const Field* const field = head.find("retry-after");
  if (field == nullptr || field->value.empty() || field->value.size() > kMost) return {};
  const std::string value(field->value);
  return std::all_of(value.begin(), value.end(), is_digit) ? "in " + value + " s"
                                                           : "after " + value;
}

}  // namespace culvert
