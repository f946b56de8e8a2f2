#pragma once

#include <string_view>

namespace culvert {

/// The current time in the format of the Date field (RFC 9110 section 5.6.7).  Valid until the
/// thread's next call.
std::string_view http_date();

}  // namespace culvert
