#pragma once

#include <optional>
#include <string>

#include "base/secret.h"
#include "codec/http_head.h"

namespace culvert {

/// What to do about a proxy's 407, a clause to stand behind a dash: Basic is all that we have, so
/// if only other schemes are offered (RFC 9110 section 11.7.1) it names these.  `credentials`: what
/// it was given.
std::string advice_for_407(const ResponseHead& head, const std::optional<Credentials>& credentials);

}  // namespace culvert
