#include "session/session_facts.h"

#include <array>
#include <cstddef>

namespace culvert {

std::string_view name_of(SessionFacts::State state) {
  static constexpr std::array<std::string_view, 6> kNames = {
      "connecting", "held", "moving", "quiet", "client_slow", "stalled"};
  return kNames[static_cast<std::size_t>(state)];
}

}  // namespace culvert
