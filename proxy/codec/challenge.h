#pragma once

#include <string>

#include "codec/http_head.h"

namespace culvert {

/// What to do about a proxy's 407, a clause to stand behind a dash: Basic is all that we have, so
/// if only other schemes are offered (RFC 9110 section 11.7.1) it names these.  `given`: it had
/// user and password.
std::string advice_for_407(const ResponseHead& head, bool given);

}  // namespace culvert
