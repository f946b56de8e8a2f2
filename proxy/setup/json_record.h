#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "setup/json_edit.h"
#include "setup/plan.h"

namespace culvert {

/// Of what setup wrote into a file in JSON, which has no comments, and which its program may write
/// anew.  It is a file of our own beside that one, so that nothing else is ever taken out.
std::string json_record_path(std::string_view path);

/// Gives `addition` what the record beside `path` says; one that was changed by hand says nothing.
void read_json_record(const SetupFacts& facts, std::string_view path, JsonAddition& addition);

/// The record's own file, for `edit` that `addition` is made to.
FileEdit json_record(const SetupFacts& facts, std::string_view target, const FileEdit& edit,
                     const JsonAddition& addition);

}  // namespace culvert
