#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/passed_sockets.h"

namespace culvert {

/// What a running culvert has handed to this process.
struct TakenOver {
  int pid = 0;       ///< of the one that did; 0: it cannot be seen from here
  int control = -1;  ///< for Predecessor
  std::vector<PassedSocket> sockets;
};

/// Asks the culverts that can be taken over (see TakeOverPlace) for the listening sockets of
/// `wanted` (ListenConfig::to_string()).  nullopt: none of them has any.  An error, a sentence, if
/// one has them and does not give them.  Waits a second for one that is older than this process and
/// just starting.  Blocks, but not for much longer than `patience` for each.
Result<std::optional<TakenOver>> take_over(
    const std::string& directory, const std::vector<std::string>& wanted,
    std::chrono::milliseconds patience = std::chrono::seconds(5));

}  // namespace culvert
