#pragma once

#include <string_view>

namespace culvert {

/// Now, as the Date field says it (RFC 9110 section 5.6.7).  Valid until the thread's next call.
std::string_view http_date();

}  // namespace culvert
