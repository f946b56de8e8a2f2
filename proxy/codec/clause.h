#pragma once

#include <string>
#include <utility>

#include "base/error.h"
#include "base/host_port.h"
#include "base/text.h"

namespace culvert {

/// The pieces of a handshake's error texts: clauses that stand behind "upstream NAME ".

/// The target as a clause shows it: short enough that the reason phrase around it fits 200 bytes.
inline std::string shown_target(const HostPort& target) {
  constexpr std::size_t kMaxShown = 48;
  return shorten_middle(target.to_string(), kMaxShown);
}

/// The answer itself is at fault, or what it says is about the upstream.
inline Error upstream_fault(Errc code, std::string clause) {
  return Error{.code = code, .side = Side::upstream, .sys = 0, .text = std::move(clause)};
}

/// The upstream did its part and reports that the target could not be reached.
inline Error target_fault(Errc code, std::string clause) {
  return Error{.code = code, .side = Side::target, .sys = 0, .text = std::move(clause)};
}

}  // namespace culvert
