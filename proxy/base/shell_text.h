#pragma once

#include <string>
#include <string_view>

namespace culvert {

/// `text` as one word of sh's: in single quotes, unless none of it means anything to a shell.
std::string shell_quoted(std::string_view text);

}  // namespace culvert
