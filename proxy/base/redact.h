#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace culvert {

/// Replaces what is hidden.
inline constexpr std::string_view kHidden = "***";

/// Redaction of input for messages: any invalid text of a user or peer that a message repeats
/// passes one of these, whatever it was meant for, as it may be a URL with a password in the wrong
/// place.

/// `url`, however malformed, without what may be a credential: user and password, what follows the
/// host's ':' but is not a port, path, query and fragment.  Also for a bare "host:port".  Printable
/// and short enough for a line of text.
std::string redact_url(std::string_view url);

/// A value that need not be a URL: a list of hosts, a path, a number.  What looks like a URL passes
/// redact_url(); else each of its parts is cut at a ':' that no port follows.
std::string redact(std::string_view text);

/// `text`, received from a proxy that was sent `credentials`; kHidden if it contains the password,
/// as it is, percent-encoded, or in base64 with the user.
std::string_view redact_echo(std::string_view text, const std::optional<Credentials>& credentials);

/// The same of a text that may be cut off within the password: kHidden, too, if it ends in the
/// first four or more bytes of one of these forms.
std::string_view redact_cut_echo(std::string_view text,
                                 const std::optional<Credentials>& credentials);

}  // namespace culvert
