#include "codec/challenge.h"

#include <string_view>

#include "base/redact.h"
#include "base/text.h"
#include "codec/field_list.h"

namespace culvert {
namespace {

constexpr std::size_t kMaxShownSchemes = 40;

/// Whether `field` holds challenges.  Some proxies answer with 401 and its field (tinyproxy, if the
/// password is wrong).
bool holds_challenges(const Field& field, int status) {
  return iequals(field.name, "proxy-authenticate") ||
         (status == 401 && iequals(field.name, "www-authenticate"));
}

/// The scheme with which an element of Proxy-Authenticate begins; empty if it is one more parameter
/// of the challenge before ("nonce=x", where a scheme is followed by a space or nothing).
std::string_view scheme_of(std::string_view element) {
  const std::size_t end = element.find_first_of(" \t=");
  const std::string_view rest = end == element.npos ? "" : trim(element.substr(end));
  return rest.starts_with('=') ? std::string_view() : element.substr(0, end);
}

}  // namespace

std::string advice_for_407(const ResponseHead& head,
                           const std::optional<Credentials>& credentials) {
  bool basic = false;
  std::string others;
  for (const Field& field : head.fields) {
    if (!holds_challenges(field, head.status)) continue;
    for (std::string_view list = field.value; !list.empty();) {
      const std::string_view scheme = scheme_of(cut_part(list, ','));
      basic = basic || iequals(scheme, "basic");
      if (scheme.empty()) continue;
      if (!others.empty()) others += ", ";
      others += scheme;
    }
  }
  if (!basic && !others.empty()) {
    return "it takes only " + printable(redact_echo(others, credentials), kMaxShownSchemes) +
           ", and we have Basic";
  }
  return credentials ? "check user and password" : "it wants a user and password";
}

}  // namespace culvert
