#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace culvert {

/// Stands where something was hidden.
inline constexpr std::string_view kHidden = "***";

/// What somebody typed, or sent, as a message may repeat it: any text of theirs that is found
/// wrong goes through one of these, wherever it was meant to belong, as a URL with a password may
/// have come there by mistake.

/// `url`, however malformed, without what may be a credential: user and password, what stands where
/// a port should be but is no number, path, query and fragment.  Also for a bare "host:port".
/// Printable and short enough for a line of text.
std::string redact_url(std::string_view url);

/// A value that need not be a URL: a list of hosts, a path, a number.  What looks like a URL goes
/// through redact_url(); else each of its parts ends where it has no port behind its ':'.
std::string redact(std::string_view text);

/// `words` of a proxy that was given `credentials`, or kHidden if they give away the password, as
/// it is, percent-encoded, or in base64 with the user.
std::string_view redact_echo(std::string_view words, const std::optional<Credentials>& credentials);

}  // namespace culvert
