#pragma once

#include <string_view>

namespace culvert {

/// Why no host or address can ever be equal to `text`, an entry of a list, as a clause that follows
/// it: quotes, separators other than the comma, variables that nothing has replaced, ranges of
/// addresses.  Empty if it has none of these marks, whatever else is wrong with it.
std::string_view impossible_host(std::string_view text);

/// Whether a target can have `name` (lower case, without a port), which is no address.
bool may_be_target(std::string_view name);

}  // namespace culvert
