#include "options/restart.h"

#include "options/flags.h"

namespace culvert {

std::vector<std::string_view> changed_until_restart(const Config& started, const Config& now) {
  std::vector<std::string_view> names;
  for (const Flag& flag : flags()) {
    if (flag.restart_if != nullptr && flag.restart_if(started, now)) names.push_back(flag.name);
  }
  return names;
}

}  // namespace culvert
