#pragma once

#include <string>
#include <string_view>

#include "setup/plan.h"

namespace culvert {

/// Below `root`: who runs this, whose home folder is meant, and where culvert itself is.  Under
/// sudo the home folder is that of whoever called it.
SetupFacts find_facts(std::string root);

/// "/a/b" for "/a//b/./", so that "/" is known whatever its spelling; a relative path is below the
/// working folder.  Empty if there is no such folder.
std::string find_folder(const std::string& path);

}  // namespace culvert
