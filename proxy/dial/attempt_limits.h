#pragma once

#include <chrono>

namespace culvert {

// What one attempt through one upstream may take, so that it does not eat the time of those behind
// it: connecting to the proxy is over in 4 s or will not happen, and a proxy that has not answered
// in 8 s leaves 4 s of the usual 12 for the next.  ?connect-timeout takes the place of both.

inline constexpr std::chrono::milliseconds kConnectLimit{4'000};  ///< to connect to the proxy
inline constexpr std::chrono::milliseconds kAttemptLimit{8'000};  ///< in all

}  // namespace culvert
