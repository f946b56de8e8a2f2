#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace culvert {

/// Reads the part of a `--listen` after '?' into `listen`, whose kind and scheme are set already.
/// Each problem found is appended to `problems` without the value.
void parse_listen_options(std::string_view query, ListenConfig& listen,
                          std::vector<std::string>& problems);

}  // namespace culvert
