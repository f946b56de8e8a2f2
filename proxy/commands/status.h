#pragma once

#include "options/status_options.h"

namespace culvert {

/// `culvert status`: shows what a running culvert tells of itself.  The exit status: 0 it answered,
/// 1 it did not, or the output could not be written, 2 none was found; 128 and the number of the
/// signal that ended it.
int status(const StatusOptions& options);

}  // namespace culvert
