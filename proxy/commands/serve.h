#pragma once

#include <functional>

#include "config/config.h"
#include "net/passed_sockets.h"
#include "net/successor.h"
#include "options/command_line.h"

namespace culvert {

/// `culvert serve`: runs the proxy until a signal ends it; `read_again` reads the command line and
/// the files that it names again, for a reload.  The exit status: 0 after a drain, 1 if it could
/// not start, 2 if the configuration turned out to be unusable.  `inheritance` is what another
/// process passed on to this one, `invocation` how a successor is started.
int serve(const Config& config, const std::function<CommandLine()>& read_again,
          Inheritance inheritance, const Invocation& invocation);

}  // namespace culvert
