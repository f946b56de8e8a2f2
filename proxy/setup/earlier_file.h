#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "setup/plan.h"

namespace culvert {

/// The file that earlier versions wrote instead of another, and which is to go; nullopt if there is
/// none of ours at `path`.
std::optional<FileEdit> earlier_file(const SetupFacts& facts, std::string_view target,
                                     std::string path, std::string_view comment = "#");

/// Adds a file that is wholly ours to the plan, of whose target it is, and that earlier versions'
/// goes.
void add_in_place_of(const SetupFacts& facts, std::string earlier, std::string path,
                     std::string_view body, Plan& plan, std::string_view comment = "#");

/// Adds that what of ours is in the file goes, whichever way the plan is carried out; nothing if
/// there is none.
void add_removal(FileEdit edit, Plan& plan);

}  // namespace culvert
