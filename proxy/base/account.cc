#include "base/account.h"

#include <grp.h>
#include <pwd.h>

#include <limits>

#include "base/text.h"

namespace culvert {
namespace {

/// To chown(2) the greatest number means that nothing is to be changed.
std::optional<unsigned> as_number(const std::string& name) {
  const auto number = parse_number<unsigned>(name);
  return number == std::numeric_limits<unsigned>::max() ? std::nullopt : number;
}

}  // namespace

// The plain functions fit: only the thread that starts the others calls them.

std::optional<unsigned> user_number(const std::string& name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe)
  if (const passwd* const user = getpwnam(name.c_str())) return user->pw_uid;
  return as_number(name);
}

std::optional<unsigned> group_number(const std::string& name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe)
  if (const group* const found = getgrnam(name.c_str())) return found->gr_gid;
  return as_number(name);
}

}  // namespace culvert
