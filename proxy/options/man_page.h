#pragma once

#include <string>
#include <string_view>

namespace culvert {

/// The manual page culvert(1) in roff (man(7)).
std::string man_page(std::string_view version);

/// What `culvert man` takes for the page after it, and the name of a file of options.
inline constexpr std::string_view kFilePage = "culvert.toml";

/// The manual page culvert.toml(5): each key of a file, with its type, its default and its
/// variable.
std::string file_man_page(std::string_view version);

}  // namespace culvert
