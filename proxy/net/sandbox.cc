#include "net/sandbox.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace culvert {
namespace {

using Use = PathGrant::Use;

// Of versions that are newer than the oldest headers that this is compiled with.
constexpr std::uint64_t kRefer = std::uint64_t{1} << 13;
constexpr std::uint64_t kTruncate = std::uint64_t{1} << 14;
constexpr std::uint64_t kIoctlDevice = std::uint64_t{1} << 15;
constexpr std::uint64_t kFirstRights = kRefer - 1;
/// Rights that a file can have; the others are a directory's.
constexpr std::uint64_t kOfFiles = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                   LANDLOCK_ACCESS_FS_READ_FILE | kTruncate | kIoctlDevice;

std::uint64_t rights_for(Use use) {
  switch (use) {
    case Use::read:
      return LANDLOCK_ACCESS_FS_READ_FILE;
    case Use::list:
      return LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    case Use::write:
      return LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG;
    case Use::remove:
      return LANDLOCK_ACCESS_FS_REMOVE_FILE;
    case Use::device:
      return LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;
  }
  return 0;
}

// glibc has no names for these calls.

int landlock_version() {
  return static_cast<int>(
      syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION));
}

int create_ruleset(std::uint64_t handled) {
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = handled;
  return static_cast<int>(
      syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes.handled_access_fs, 0));
}

void add_grant(int ruleset, const PathGrant& grant) {
  const int path = open(grant.path.c_str(), O_PATH | O_CLOEXEC);
  if (path < 0) return;
  struct stat info {};
  landlock_path_beneath_attr rule{};
  rule.parent_fd = path;
  rule.allowed_access = rights_for(grant.use);
  if (fstat(path, &info) == 0 && !S_ISDIR(info.st_mode)) rule.allowed_access &= kOfFiles;
  if (rule.allowed_access != 0) {
    // A pipe or socket has no path, and needs no grant.
    static_cast<void>(
        syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0));
  }
  close(path);
}

/// 0, or an errno.
int restrict_paths(int version, const std::vector<PathGrant>& grants) {
  const int ruleset = create_ruleset(landlock_rights(version));
  if (ruleset < 0) return errno;
  for (const PathGrant& grant : grants) add_grant(ruleset, grant);
  const int error = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0 ? 0 : errno;
  close(ruleset);
  return error;
}

std::string without_landlock(int error) {
  if (error == ENOSYS || error == EOPNOTSUPP) return "this kernel has no Landlock";
  if (error == EPERM) return "Landlock is forbidden here, as by a container's seccomp profile";
  if (error == E2BIG) return "too many Landlock rulesets are in force already";
  return "Landlock: " + std::generic_category().message(error);
}

}  // namespace

std::uint64_t landlock_rights(int abi) {
  if (abi < 1) return 0;
  std::uint64_t rights = kFirstRights;
  if (abi >= 2) rights |= kRefer;
  if (abi >= 3) rights |= kTruncate;
  if (abi >= 5) rights |= kIoctlDevice;
  return rights;
}

SandboxState enter_sandbox(const std::vector<PathGrant>& grants) {
  SandboxState state;
  state.no_new_privs = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
  const int version = landlock_version();
  const int error = version < 1 ? errno : restrict_paths(version, grants);
  if (error == 0) {
    state.landlock = version;
  } else {
    state.why_not = without_landlock(error);
  }
  return state;
}

}  // namespace culvert
