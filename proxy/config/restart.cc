#include "config/restart.h"

#include <algorithm>
#include <string_view>

namespace culvert {
namespace {

bool same_listeners(const Config& a, const Config& b) {
  return std::equal(a.listen.begin(), a.listen.end(), b.listen.begin(), b.listen.end(),
                    [](const ListenConfig& one, const ListenConfig& other) {
                      return one.to_string() == other.to_string();
                    });
}

/// A file may be exchanged for another one, but not for standard output.
std::string_view kind_of_access_log(const Config& config) {
  for (const std::string_view kind : {"-", "off"}) {
    if (config.access_log == kind) return kind;
  }
  return "file";
}

}  // namespace

std::vector<std::string_view> changed_until_restart(const Config& before, const Config& after) {
  std::vector<std::string_view> flags;
  if (!same_listeners(before, after)) flags.push_back("listen");
  if (before.threads != after.threads) flags.push_back("threads");
  if (before.log_level != after.log_level) flags.push_back("log-level");
  if (before.log_format != after.log_format) flags.push_back("log-format");
  if (kind_of_access_log(before) != kind_of_access_log(after)) flags.push_back("access-log");
  if (before.tunnel_command.reveal() != after.tunnel_command.reveal()) {
    flags.push_back("tunnel-command");
  }
  return flags;
}

}  // namespace culvert
