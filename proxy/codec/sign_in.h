#pragma once

#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "codec/http_head.h"

namespace culvert {

/// What a proxy that wants a user and a password says so with (RFC 9110 section 11.7.1, RFC 7617).
inline constexpr std::string_view kChallenge = "Basic realm=\"culvert\", charset=\"UTF-8\"";

/// Holds user and password in a request.
inline constexpr std::string_view kCredentialsField = "Proxy-Authorization";

/// The same for who is no proxy (RFC 9110 section 11.6.2).
inline constexpr std::string_view kOriginCredentialsField = "Authorization";

/// User and password in the field of that name of a request (RFC 7617 section 2).  An error has the
/// client's side: proxy_auth_required if there is no such field or it has another scheme,
/// http_request_error if it is malformed.  Its text repeats nothing that may be a secret.
Result<Credentials> credentials_of(const RequestHead& head,
                                   std::string_view field_name = kCredentialsField);

/// For those of `user` that are wrong: the same words whether there is such a user or not.
Error wrong_credentials(std::string_view user);

}  // namespace culvert
