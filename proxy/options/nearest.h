#pragma once

#include <string_view>
#include <vector>

namespace culvert {

/// The one of `known` that `word` is most likely a misspelling of; empty if none is near.  At most
/// a third of its letters may be wrong; two neighbours in the wrong order count as one.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace culvert
