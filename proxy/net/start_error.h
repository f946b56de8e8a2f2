#pragma once

#include <string>
#include <system_error>

#include "base/error.h"

namespace culvert {

/// Of a process that cannot be started; `sys` is an errno, or 0.
inline Error start_error(const std::string& why, int sys = 0) {
  return {Errc::proxy_internal_error, Side::local, sys, "cannot be started: " + why};
}

inline Error start_error(int sys) { return start_error(std::generic_category().message(sys), sys); }

}  // namespace culvert
