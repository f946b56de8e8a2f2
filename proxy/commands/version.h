#pragma once

#include <string>

namespace culvert {

/// What `culvert --version` prints behind its first line: a line for each library, such as "libuv
/// 1.44.2".
std::string library_versions();

}  // namespace culvert
