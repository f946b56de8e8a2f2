#pragma once

#include <cstddef>
#include <optional>

#include "config/config.h"

namespace culvert {

/// The upstream of `before` that is the same as `index` of `after`: the same URL with all its
/// options, reached through the same others.  nullopt if it is new or has changed.
std::optional<std::size_t> same_upstream(const Config& before, const Config& after,
                                         std::size_t index);

}  // namespace culvert
