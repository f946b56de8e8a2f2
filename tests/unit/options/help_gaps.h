#pragma once

#include <cstddef>
#include <string>

#include "base/port_mark.h"

namespace culvert::test {

/// Whether `help` has the name of a value in braces that was not filled in.
inline bool has_gap(std::string help) {
  for (std::size_t at = 0; (at = help.find(kPortMark)) != std::string::npos;) {
    help.erase(at, kPortMark.size());
  }
  return help.find_first_of("{}") != std::string::npos;
}

}  // namespace culvert::test
