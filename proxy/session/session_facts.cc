#include "session/session_facts.h"

#include <array>
#include <cstddef>

namespace culvert {

std::string_view name_of(Idleness what) {
  static constexpr std::array<std::string_view, 3> kNames = {
      "does_not_read", "does_not_acknowledge", "does_not_send"};
  return kNames[static_cast<std::size_t>(what)];
}

std::string_view name_of(SessionFacts::State state) {
  static constexpr std::array<std::string_view, 6> kNames = {
      "connecting", "held", "moving", "quiet", "client_slow", "stalled"};
  return kNames[static_cast<std::size_t>(state)];
}

}  // namespace culvert
