#pragma once

#include "net/passed_sockets.h"
#include "options/run_options.h"

namespace culvert {

/// `culvert run -- CMD...`: runs CMD with a proxy of its own.  The exit status: CMD's, 128 + n if
/// it was ended by signal n, 127 if there is no such program, 126 if it cannot be executed; 125 if
/// the proxy cannot start.  The sockets of `inheritance` are for CMD.
int run(const RunOptions& options, const Inheritance& inheritance);

}  // namespace culvert
