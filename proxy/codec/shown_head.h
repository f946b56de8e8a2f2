#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "codec/http_head.h"

namespace culvert {

/// A head of HTTP as lines for people, "GET /v2/?... HTTP/1.1\nHost: gcr.io", each printable and
/// of bounded length.  What may be a secret is left out: the value of each field but those that are
/// known to hold none, users and passwords in URLs, and queries.
std::string shown_head(const RequestHead& head);
/// A line that has something of `credentials` in it is left out as well, see redact_echo().
std::string shown_head(const ResponseHead& head, const std::optional<Credentials>& credentials);

/// The same of a head as it is sent or was received, of which what stands behind it is not looked
/// at: how many bytes it has if it is not a whole head, or not a sound one.
std::string shown_request(std::string_view bytes);
std::string shown_response(std::string_view bytes, const std::optional<Credentials>& credentials);

}  // namespace culvert
