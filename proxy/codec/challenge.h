#pragma once

#include <optional>
#include <string>

#include "base/secret.h"
#include "codec/http_head.h"

namespace culvert {

/// Advice about a proxy's 407, or its 401 to CONNECT, a clause that follows a dash: only Basic is
/// supported, so if only other schemes are offered (RFC 9110 section 11.7.1) it names these.
/// `credentials`: those that were sent.
std::string advice_for_407(const ResponseHead& head, const std::optional<Credentials>& credentials);

}  // namespace culvert
