#pragma once

#include <string>

#include "options/settings.h"

namespace culvert {

/// What the culvert of process `pid` was started with, as far as its command line and the file
/// behind --config tell, without judging any of it.  `root` is where proc/ is found: "/" but in
/// tests.
Settings options_of_running(int pid, const std::string& root = "/");

}  // namespace culvert
