#pragma once

#include <string>

namespace culvert {

/// All that is in a small file, as those below /proc and /etc; empty if it cannot be read.
std::string file_text(const std::string& path);

}  // namespace culvert
