#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "setup/plan.h"

namespace culvert {

/// How many of the folders above `path` are missing.
std::size_t missing_folders(const SetupFacts& facts, std::string_view path);

/// A file that is wholly ours.  Its first line says so, with a sum of the rest: one that was
/// changed by hand, or is somebody else's, is left alone.  `comment` begins a line of comment: "#".
/// The line also keeps how many folders above the file were made for it, or for `earlier`, in whose
/// place it comes.
FileEdit own_file(const SetupFacts& facts, std::string_view target, std::string path,
                  std::string_view body, std::string_view comment = "#",
                  const FileEdit* earlier = nullptr);

/// What else is known about the file of a block.
struct BlockRules {
  std::size_t place = std::string_view::npos;  ///< of a new block, in bytes; npos: at the end
  /// The program that the file is for writes into our lines, too.  So what was added there is kept,
  /// where in other files a block that was changed is left alone.
  bool keeps_added = false;
};

/// Lines of ours, between two of comment, at the end of a file of somebody else, or where they were
/// before.  The rest is kept byte for byte.  Line ends are those of the file.
FileEdit own_block(const SetupFacts& facts, std::string_view target, std::string path,
                   std::string_view body, std::string_view comment = "#",
                   const BlockRules& rules = {});

/// The same for an edit that has `before` and, equal to it, `without`; `folders` are missing.
void put_block(FileEdit& edit, std::string_view target, std::string_view body,
               std::string_view comment, std::size_t folders, const BlockRules& rules = {});

}  // namespace culvert
