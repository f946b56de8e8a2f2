#pragma once

#include <string>
#include <string_view>

namespace culvert {

/// `url`, however malformed, without what may be a credential: user and password, what stands where
/// a port should be but is no number, paths, and the values of options that culvert does not know.
/// Printable and short enough for a line of text.
std::string redact_url(std::string_view url);

/// The value of any option, printable; what looks like a URL goes through redact_url(), for
/// somebody may have put an upstream where it does not belong.
std::string redact_value(std::string_view value);

}  // namespace culvert
