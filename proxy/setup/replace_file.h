#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace culvert {

/// Mode and owner of a file.
struct FileOwner {
  mode_t mode = 0644;
  uid_t uid = 0;
  gid_t gid = 0;
};

/// Of the file at `path`; nullopt if there is none.
std::optional<FileOwner> owner_of(const std::string& path);

/// Content that waits beside the file that it will replace, and is gone if it never does.
class WaitingFile {
 public:
  WaitingFile() = default;
  WaitingFile(WaitingFile&& other) noexcept;
  WaitingFile& operator=(WaitingFile&& other) noexcept;
  ~WaitingFile();

  /// Writes `content` to a new file in the folder of `path`.  Returns what went wrong, or nothing.
  std::string write(const std::string& path, std::string_view content, const FileOwner& owner);
  /// Puts it in the place of `path`, at once.  Returns what went wrong, or nothing.
  std::string move_in();

 private:
  std::string path_;
  std::string temporary_;  ///< empty: nothing waits
};

/// Removes what a WaitingFile for `path` left whose process was killed.
void remove_stale(const std::string& path);

/// Removes the file, and has its folder written to the disk.  Returns what went wrong, or nothing.
std::string remove_file(const std::string& path);

}  // namespace culvert
