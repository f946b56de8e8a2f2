#pragma once

#include <string>
#include <string_view>

namespace culvert {

/// The SHA-256 (FIPS 180-4) of `bytes`: 32 bytes, not as text.
std::string sha256(std::string_view bytes);

}  // namespace culvert
