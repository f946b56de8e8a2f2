#pragma once

#include <string>
#include <string_view>

#include "codec/connection_options.h"
#include "codec/http_head.h"

namespace culvert {

/// Upgrade (RFC 9110 section 7.8) names protocols that may follow on the same connection.  All can
/// be passed on as a tunnel but HTTP itself: requests in HTTP/2 frames would bypass our rules.

/// True if the message names a protocol that can be passed on.
bool has_upgrade(const MessageHead& head);

/// True if the request offers such a protocol; in HTTP/1.0 it cannot.
bool wants_upgrade(const RequestHead& head, const ConnectionOptions& options);

/// True if a response switches to protocols that `request` offered, and that can be passed on.
bool switches_as_offered(const ResponseHead& response, const RequestHead& request);

/// Appends an Upgrade field with those protocols of `value`, nothing if there are none.
void append_upgrade(std::string_view value, std::string& out);

}  // namespace culvert
