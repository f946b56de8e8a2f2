#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace culvert {

/// Members that a file in JSON is to have, all of them strings in one object.
struct JsonAddition {
  struct Member {
    std::string_view name;
    std::string value;
  };
  std::vector<std::string_view> path;  ///< of the object: {"proxies", "default"}
  std::vector<Member> members;
  /// How many folders have to be made for the file.  Its indentation keeps the number.
  std::size_t new_folders = 0;
  /// The values that an earlier edit wrote, one for each of `members`, as a record tells them;
  /// empty: there is no record.
  std::vector<std::string> recorded{};
  bool recorded_new = false;  ///< the record says that the file was made for it
};

/// The three states of the file: see FileEdit.
struct JsonEdit {
  std::optional<std::string> with;
  std::optional<std::string> without;
  std::size_t our_folders = 0;  ///< above the file, made for it
  /// The text is no JSON object: "line 3, column 7: ...".  Then nothing can be done with it.
  std::string unreadable;
  /// A member is there, and not ours: what it is, without credentials, and what to do.  Then `with`
  /// and `without` are the text as it is.
  std::string conflict;
  /// By the record a member of ours has another value by now: which, and what to do.  Then nothing
  /// is taken out, either.
  std::string changed_by_hand;
};

/// Adds to `text` (nullopt: there is no file), or changes what was added before, and touches no
/// other byte.  What is there is ours if it has the values of the record, wherever the file's
/// program moved them.  Without a record, as culvert once kept none, it is ours if it is aligned as
/// we write it and one URL is in all of it.  `without` is then the text as it was before the
/// addition, byte for byte, if nobody changed it since.
JsonEdit edit_json(const std::optional<std::string>& text, const JsonAddition& addition);

}  // namespace culvert
