#include "check/registry_challenge.h"

#include <cstddef>

#include "base/text.h"
#include "codec/field_list.h"

namespace culvert {
namespace {

/// A token, or what a quoted string holds (RFC 9110 section 5.6.4).
std::string unquoted(std::string_view text) {
  if (!text.starts_with('"')) return std::string(text);
  std::string out;
  for (std::size_t i = 1; i < text.size() && text[i] != '"'; ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

/// "realm=..."
void take_parameter(std::string_view parameter, RegistryChallenge& out) {
  const std::size_t equals = parameter.find('=');
  if (equals == parameter.npos) return;
  const std::string_view name = trim(parameter.substr(0, equals));
  const std::string value = unquoted(trim(parameter.substr(equals + 1)));
  if (iequals(name, "realm")) out.realm = value;
  if (iequals(name, "service")) out.service = value;
}

/// An element of the field's list begins a challenge with its scheme, or is one more parameter of
/// the challenge before: then a '=' follows its first word.
bool begins_challenge(std::string_view element) {
  const std::size_t end = element.find_first_of(" \t=");
  const std::string_view rest = end == element.npos ? "" : trim(element.substr(end));
  return !rest.starts_with('=');
}

RegistryChallenge begin_challenge(std::string_view element) {
  RegistryChallenge out;
  const std::string_view scheme = element.substr(0, element.find_first_of(" \t"));
  if (iequals(scheme, "bearer")) out.kind = RegistryChallenge::Kind::bearer;
  if (iequals(scheme, "basic")) out.kind = RegistryChallenge::Kind::basic;
  take_parameter(trim(element.substr(scheme.size())), out);
  return out;
}

}  // namespace

RegistryChallenge registry_challenge(const std::vector<std::string_view>& fields) {
  using Kind = RegistryChallenge::Kind;
  RegistryChallenge best;
  const auto consider = [&](const RegistryChallenge& one) {
    const bool usable = one.kind == Kind::basic || !one.realm.empty();
    if (usable && one.kind > best.kind) best = one;
  };
  for (std::string_view list : fields) {
    RegistryChallenge current;
    while (!list.empty()) {
      const std::string_view element = cut_part(list, ',');
      if (begins_challenge(element)) {
        consider(current);
        current = begin_challenge(element);
      } else {
        take_parameter(element, current);
      }
    }
    consider(current);
  }
  return best;
}

}  // namespace culvert
