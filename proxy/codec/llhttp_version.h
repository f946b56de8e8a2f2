#pragma once

#include <string>

namespace culvert {

/// "8.1.0", as it was compiled with.
std::string llhttp_version();

}  // namespace culvert
