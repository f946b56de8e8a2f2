#include "setup/replace_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <utility>

#include "base/text.h"

namespace culvert {
namespace {

/// Between the name of a file and the process whose content waits for its place.
constexpr std::string_view kWaiting = ".culvert-";

std::string problem_of(int code) { return std::strerror(code); }

/// 0, or what went wrong.
int write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t n = write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

int give_to(int fd, const FileOwner& owner) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return errno;
  // Before the mode, whose set-id bits it would take away.
  if ((info.st_uid != owner.uid || info.st_gid != owner.gid) &&
      fchown(fd, owner.uid, owner.gid) != 0) {
    return errno;
  }
  return fchmod(fd, owner.mode) == 0 ? 0 : errno;
}

int fill(int fd, std::string_view content, const FileOwner& owner) {
  if (const int problem = give_to(fd, owner)) return problem;
  if (const int problem = write_all(fd, content)) return problem;
  return fsync(fd) == 0 ? 0 : errno;
}

/// Some file systems cannot, and then there is nothing to be done about it.
void sync_folder_of(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  static_cast<void>(fsync(fd));
  close(fd);
}

/// A file of ours whose process, `number`, is no more.  This one has written none yet.
bool is_stale(int folder, const char* name, std::string_view number) {
  const auto pid = parse_number<pid_t>(number);
  struct stat info {};
  if (!pid || *pid <= 0 || fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return false;
  const bool runs = *pid != getpid() && (kill(*pid, 0) == 0 || errno != ESRCH);
  return S_ISREG(info.st_mode) && (info.st_uid == geteuid() || geteuid() == 0) && !runs;
}

}  // namespace

std::optional<FileOwner> owner_of(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return std::nullopt;
  return FileOwner{info.st_mode & 07777U, info.st_uid, info.st_gid};
}

WaitingFile::WaitingFile(WaitingFile&& other) noexcept { *this = std::move(other); }

WaitingFile& WaitingFile::operator=(WaitingFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  return *this;
}

WaitingFile::~WaitingFile() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void remove_stale(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string begin = path.substr(slash + 1).append(kWaiting);
  DIR* const folder = opendir(path.substr(0, slash + 1).c_str());
  if (folder == nullptr) return;
  while (const dirent* const entry = readdir(folder)) {
    const std::string_view name = entry->d_name;
    if (name.starts_with(begin) &&
        is_stale(dirfd(folder), entry->d_name, name.substr(begin.size())))
      unlinkat(dirfd(folder), entry->d_name, 0);
  }
  closedir(folder);
}

std::string WaitingFile::write(const std::string& path, std::string_view content,
                               const FileOwner& owner) {
  std::string temporary = path + std::string(kWaiting);
  append_number(temporary, getpid());
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return problem_of(errno);
  path_ = path;
  temporary_ = std::move(temporary);
  int problem = fill(fd, content, owner);
  // Also where a full disk of another machine is told.
  if (close(fd) != 0 && problem == 0) problem = errno;
  return problem == 0 ? std::string() : problem_of(problem);
}

std::string WaitingFile::move_in() {
  if (rename(temporary_.c_str(), path_.c_str()) != 0) return problem_of(errno);
  temporary_.clear();
  sync_folder_of(path_);
  return {};
}

std::string remove_file(const std::string& path) {
  if (unlink(path.c_str()) != 0) return problem_of(errno);
  sync_folder_of(path);
  return {};
}

}  // namespace culvert
