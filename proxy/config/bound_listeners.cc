#include "config/bound_listeners.h"

#include <algorithm>
#include <string>

namespace culvert {

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

}  // namespace culvert
