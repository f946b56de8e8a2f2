#pragma once

#include <string_view>

namespace culvert {

/// The versions of the shared libraries that were found at the start: "1.44.2".
std::string_view libuv_version();
std::string_view openssl_version();
std::string_view c_ares_version();

}  // namespace culvert
