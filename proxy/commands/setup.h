#pragma once

#include "options/setup_options.h"

namespace culvert {

/// `culvert setup TARGET...`.  The exit status: 0 all well, 1 something is not as it should be.
int setup(const SetupOptions& options);

}  // namespace culvert
