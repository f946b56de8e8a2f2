#pragma once

#include "options/run_options.h"

namespace culvert {

/// `culvert run -- CMD...`: runs CMD with a proxy of its own.  The exit status: CMD's, 128 + n if
/// it was ended by signal n, 127 if there is no such program, 126 if it cannot be executed; 125 if
/// the proxy cannot start.
int run(const RunOptions& options);

}  // namespace culvert
