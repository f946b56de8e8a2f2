#pragma once

#include <string>
#include <system_error>

#include "base/error.h"

namespace culvert {

/// Of a process that cannot be started because of `sys` (errno).
inline Error start_error(int sys) {
  return {Errc::proxy_internal_error, Side::local, sys,
          "cannot be started: " + std::generic_category().message(sys)};
}

}  // namespace culvert
