#include "codec/protocol_guess.h"

#include <algorithm>
#include <array>

#include "codec/proxy_protocol.h"
#include "codec/socks_fields.h"

namespace culvert {
namespace {

constexpr std::string_view kHttpOpening = "HTTP/";
constexpr std::string_view kAskProtocolAndPort =
    " - does the URL name the right protocol and port?";

struct Opening {
  std::string_view bytes;
  std::string_view protocol;
};
constexpr std::array kTextOpenings = {
    Opening{kHttpOpening, kHttpName},
    Opening{"SSH-", kSshName},
    Opening{kProxyLineOpening, kProxyProtocol},
};

struct Scheme {
  std::string_view protocol;
  std::string_view prefix;
};
constexpr std::array kSchemes = {
    Scheme{kHttpName, "http://"},
    Scheme{kTlsName, "https://"},
    Scheme{kSocks5Name, "socks5://"},
    Scheme{kSocks4Name, "socks4a://"},
};

/// What to write instead, for a proxy that speaks `protocol`.
std::string advice_for(std::string_view protocol) {
  const auto* const scheme =
      std::find_if(kSchemes.begin(), kSchemes.end(),
                   [protocol](const Scheme& known) { return known.protocol == protocol; });
  if (scheme == kSchemes.end()) return std::string(kAskProtocolAndPort);
  return " - write " + std::string(scheme->prefix);
}

}  // namespace

std::string_view guess_protocol(std::string_view first_bytes) {
  for (const Opening& opening : kTextOpenings) {
    if (first_bytes.starts_with(opening.bytes)) return opening.protocol;
  }
  // Not waited for: its first bytes are an empty line.
  if (first_bytes.starts_with(kProxyBinaryOpening)) return kProxyProtocol;
  if (first_bytes.empty()) return {};
  switch (first_bytes[0]) {
    case '\x15':  // alert
    case '\x16':  // handshake
      return kTlsName;
    case kSocksVersion5:
      return kSocks5Name;
    case '\x00':
      return first_bytes.size() > 1 && first_bytes[1] >= kSocks4Granted &&
                     first_bytes[1] <= kSocks4OtherUser
                 ? kSocks4Name
                 : "";
    default:
      return {};
  }
}

bool may_become_known(std::string_view first_bytes) {
  for (const Opening& opening : kTextOpenings) {
    if (first_bytes.size() < opening.bytes.size() && opening.bytes.starts_with(first_bytes)) {
      return true;
    }
  }
  return false;
}

std::string why_not_http(std::string_view first_bytes) {
  const std::string_view opening = first_bytes.substr(0, kHttpOpening.size());
  if (kHttpOpening.starts_with(opening) || may_become_known(first_bytes)) return {};
  const std::string_view guess = guess_protocol(first_bytes);
  return (guess.empty() ? "did not answer in HTTP"
                        : "answered in " + std::string(guess) + ", not in HTTP") +
         std::string(kAskProtocolAndPort);
}

std::string why_not_tls(std::string_view first_bytes) {
  if (first_bytes.empty()) return {};
  // RFC 8446 section 5.1: a record's type, and the version's first byte.
  const bool is_record = first_bytes[0] >= '\x14' && first_bytes[0] <= '\x17' &&
                         (first_bytes.size() == 1 || first_bytes[1] == '\x03');
  if (is_record) return {};
  const std::string_view guess = guess_protocol(first_bytes);
  if (guess.empty() || guess == kTlsName)
    return "does not speak TLS - write http:// if it is a plain HTTP proxy";
  // That it speaks HTTP goes without saying.
  if (guess == kHttpName) return "does not speak TLS" + advice_for(guess);
  return other_protocol_clause(kTlsName, guess);
}

std::string other_protocol_clause(std::string_view expected, std::string_view spoken) {
  return "answers in " + std::string(spoken) + ", not in " + std::string(expected) +
         advice_for(spoken);
}

}  // namespace culvert
