#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "check/report.h"

namespace culvert {

/// Of `steps` from `first` on, replaces in all texts by "***" what a server may have repeated of
/// `secret`, which it was sent: each run of eight characters or more that stands in it, whatever
/// the case of its letters.
void hide_echoes(std::vector<CheckStep>& steps, std::size_t first, std::string_view secret);

}  // namespace culvert
