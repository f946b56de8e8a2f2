#include "config/bound_listeners.h"

#include <algorithm>
#include <cstddef>
#include <string>

namespace culvert {
namespace {

/// In all that a reload takes.
bool serves_alike(const ListenConfig& one, const ListenConfig& other) {
  return one.speaks == other.speaks && one.certificates == other.certificates &&
         one.client_ca == other.client_ca && one.proxy_protocol == other.proxy_protocol;
}

}  // namespace

std::vector<ListenConfig> bound_listeners(const std::vector<ListenConfig>& bound,
                                          const std::vector<ListenConfig>& now) {
  std::vector<ListenConfig> left = now;
  std::vector<ListenConfig> out;
  for (const ListenConfig& listen : bound) {
    const std::string name = listen.to_string();
    const auto same = std::find_if(left.begin(), left.end(), [&](const ListenConfig& other) {
      return other.to_string() == name;
    });
    out.push_back(same == left.end() ? listen : *same);
    // Two on ports that the system chose have the same name.
    if (same != left.end()) left.erase(same);
  }
  return out;
}

std::vector<ListenConfig> changed_listeners(const std::vector<ListenConfig>& before,
                                            const std::vector<ListenConfig>& now) {
  std::vector<ListenConfig> out;
  for (std::size_t i = 0; i < now.size() && i < before.size(); ++i) {
    if (!serves_alike(before[i], now[i])) out.push_back(now[i]);
  }
  return out;
}

}  // namespace culvert
