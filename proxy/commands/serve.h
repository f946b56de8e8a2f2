#pragma once

#include "config/config.h"

namespace culvert {

/// `culvert serve`: runs the proxy until it is told to leave.  The exit status: 0 after a drain, 1
/// if it could not start, 2 if the configuration turned out to be unusable.
int serve(const Config& config);

}  // namespace culvert
