#include "setup/earlier_places.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

namespace culvert {
namespace {

bool has_path(const Plan& plan, const std::string& path) {
  return std::any_of(plan.files.begin(), plan.files.end(),
                     [&](const FileEdit& edit) { return edit.path == path; });
}

void add_user(std::vector<SetupUser>& users, SetupUser user) {
  const auto same = [&](const SetupUser& other) {
    return other.home == user.home && other.config_home() == user.config_home() &&
           other.docker_config() == user.docker_config();
  };
  if (user.home.starts_with('/') && std::none_of(users.begin(), users.end(), same)) {
    users.push_back(std::move(user));
  }
}

}  // namespace

std::vector<SetupUser> earlier_users(const SetupFacts& facts) {
  const SetupUser& now = facts.user;
  std::vector<SetupUser> users{now};
  add_user(users, {now.home, now.uid, now.gid, "", ""});
  for (const uid_t uid : {now.uid, geteuid()}) {
    if (!facts.is_live()) continue;
    const passwd* const entry = getpwuid(uid);
    if (entry == nullptr) continue;
    add_user(users, {entry->pw_dir, uid, entry->pw_gid, now.config_folder, now.docker_folder});
    add_user(users, {entry->pw_dir, uid, entry->pw_gid, "", ""});
  }
  users.erase(users.begin());
  return users;
}

void add_earlier_places(const SetupFacts& facts, const TargetPlan& target,
                        std::span<const SetupUser> users, Plan& plan) {
  std::vector<FileEdit> looked_for;
  SetupFacts earlier = facts;
  for (const SetupUser& user : users) {
    earlier.user = user;
    for (FileEdit& edit : target.plan(earlier).files) {
      if (has_path(plan, edit.path)) continue;
      if (edit.is_installed()) {
        plan.files.push_back(std::move(edit));
      } else {
        looked_for.push_back(std::move(edit));
      }
    }
  }
  if (std::any_of(plan.files.begin(), plan.files.end(),
                  [](const FileEdit& edit) { return edit.is_installed(); }))
    return;
  for (FileEdit& edit : looked_for) {
    if (!has_path(plan, edit.path)) plan.files.push_back(std::move(edit));
  }
}

}  // namespace culvert
