#pragma once

#include <string>
#include <string_view>

namespace culvert {

/// The manual page culvert(1) in roff (man(7)).
std::string man_page(std::string_view version);

}  // namespace culvert
