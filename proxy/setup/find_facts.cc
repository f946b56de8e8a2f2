#include "setup/find_facts.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <utility>

#include "base/text.h"
#include "setup/root.h"

namespace culvert {
namespace {

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

SetupUser user_of(uid_t uid) {
  SetupUser user{"/root", uid, getegid(), "", ""};
  if (const passwd* const entry = getpwuid(uid)) {
    user.home = entry->pw_dir;
    user.gid = entry->pw_gid;
  }
  return user;
}

SetupUser find_user() {
  const auto caller = parse_number<uid_t>(variable("SUDO_UID"));
  if (geteuid() == 0 && caller && *caller != 0) return user_of(*caller);
  SetupUser user = user_of(geteuid());
  const std::string_view home = variable("HOME");
  if (home.starts_with('/')) user.home = home;
  while (user.home.ends_with('/')) user.home.pop_back();
  return user;
}

/// That the user's own shell has chosen; of an image, and through sudo, it says nothing.
void add_folders(SetupUser& user) {
  const auto folder = [](const char* name) {
    std::string_view path = variable(name);
    while (path.ends_with('/')) path.remove_suffix(1);
    return path.starts_with('/') ? std::string(path) : std::string();
  };
  user.config_folder = folder("XDG_CONFIG_HOME");
  user.docker_folder = folder("DOCKER_CONFIG");
}

std::string find_program_here() {
  std::array<char, PATH_MAX> path;
  const ssize_t n = readlink("/proc/self/exe", path.data(), path.size());
  return n > 0 ? std::string(path.data(), static_cast<std::size_t>(n)) : std::string();
}

}  // namespace

std::string find_folder(const std::string& path) {
  std::array<char, PATH_MAX> resolved;
  if (realpath(path.c_str(), resolved.data()) == nullptr) return {};
  struct stat info {};
  if (stat(resolved.data(), &info) != 0 || !S_ISDIR(info.st_mode)) return {};
  return resolved.data();
}

SetupFacts find_facts(std::string root) {
  SetupFacts facts;
  facts.root = std::move(root);
  facts.for_all_users = geteuid() == 0 || !facts.is_live();
  facts.user = find_user();
  if (facts.is_live() && variable("SUDO_UID").empty()) add_folders(facts.user);
  facts.program = find_program_here();
  return facts;
}

}  // namespace culvert
