#include "setup/as_user.h"

#include <grp.h>
#include <pwd.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

namespace culvert {
namespace {

std::vector<gid_t> groups_now() {
  const int count = getgroups(0, nullptr);
  std::vector<gid_t> groups(count > 0 ? static_cast<std::size_t>(count) : 0);
  const int found = getgroups(count, groups.data());
  groups.resize(found > 0 ? static_cast<std::size_t>(found) : 0);
  return groups;
}

constexpr uid_t kNoId = static_cast<uid_t>(-1);

/// With the user's further groups, if the system knows the user.
bool take_groups(const SetupUser& user) {
  const passwd* const entry = getpwuid(user.uid);
  if (entry != nullptr && initgroups(entry->pw_name, user.gid) == 0) return true;
  return setgroups(1, &user.gid) == 0;
}

/// Neither call tells whether it was allowed; one with an id that nobody has tells which is valid.
bool take_ids(uid_t uid, gid_t gid) {
  setfsgid(gid);
  setfsuid(uid);
  return static_cast<uid_t>(setfsuid(kNoId)) == uid && static_cast<gid_t>(setfsgid(kNoId)) == gid;
}

}  // namespace

AsUser::AsUser(const SetupUser* user) {
  if (user == nullptr) return;
  changed_ = true;
  groups_ = groups_now();
  good_ = take_groups(*user) && take_ids(user->uid, user->gid);
}

bool AsUser::has_group(gid_t group) {
  const std::vector<gid_t> groups = groups_now();
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

AsUser::~AsUser() {
  if (!changed_) return;
  setfsuid(geteuid());
  setfsgid(getegid());
  // It may be more than the process was let have before; then it goes on with fewer.
  static_cast<void>(setgroups(groups_.size(), groups_.data()) == 0);
}

}  // namespace culvert
