#include "codec/sign_in.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "base/text.h"

namespace culvert {
namespace {

Error not_signed_in(std::string_view text) {
  return {Errc::proxy_auth_required, Side::client, 0, std::string(text)};
}

Error malformed_sign_in(std::string_view field, std::string_view what) {
  return {Errc::http_request_error, Side::client, 0, concat({field, " ", what})};
}

/// Schemes that are no secrets themselves: who leaves the scheme out sends one in its place.
Error other_scheme(std::string_view scheme) {
  constexpr std::array<std::string_view, 4> kKnownSchemes = {"Bearer", "Digest", "Negotiate",
                                                             "NTLM"};
  const auto known = std::find_if(kKnownSchemes.begin(), kKnownSchemes.end(),
                                  [&](std::string_view name) { return iequals(name, scheme); });
  const std::string_view shown = known == kKnownSchemes.end() ? "another scheme" : *known;
  return not_signed_in(concat(
      {"the client signs in with ", shown, ", and this proxy takes Basic: a user and a password"}));
}

Result<Credentials> read_token(std::string_view field, std::string_view token) {
  auto decoded = base64_decode(token);
  if (!decoded) return malformed_sign_in(field, "is not valid base64 behind \"Basic\"");
  const Secret pair(*std::move(decoded));
  const std::string_view text = pair.reveal();
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos)
    return malformed_sign_in(field, "has no ':' between user and password");
  if (has_control(text)) {
    return malformed_sign_in(field, "has a control character in user or password");
  }
  return Credentials{std::string(text.substr(0, colon)),
                     Secret(std::string(text.substr(colon + 1)))};
}

}  // namespace

Result<Credentials> credentials_of(const RequestHead& head, std::string_view field_name) {
  const Field* found = nullptr;
  for (const Field& field : head.fields) {
    if (!iequals(field.name, field_name)) continue;
    if (found != nullptr) return malformed_sign_in(field_name, "stands there twice");
    found = &field;
  }
  if (found == nullptr || found->value.empty()) {
    return not_signed_in(
        "this proxy wants a user and a password - write them into the proxy URL, "
        "http://USER:PASSWORD@HOST:PORT");
  }
  const std::string_view value = found->value;
  const std::size_t end = std::min(value.find(' '), value.size());
  const std::string_view scheme = value.substr(0, end);
  if (!iequals(scheme, "Basic")) return other_scheme(scheme);
  return read_token(field_name, trim(value.substr(end)));
}

Error wrong_credentials(std::string_view user) {
  return not_signed_in(concat({"wrong password, or no such user: '", printable(user, kMostOfUser),
                               "' - see the proxy URL, http://USER:PASSWORD@HOST:PORT, where "
                               "special characters are written %XX"}));
}

}  // namespace culvert
