#pragma once

#include <string>

/// The far side of the proxy under test: upstreams of each kind, and the targets behind them.
namespace bench {

inline constexpr const char* kUser = "bench";
inline constexpr const char* kPassword = "rig-password";

/// Serves until standard input ends. Says in a line of JSON which port does what, and for each line
/// of input what has happened so far, in another.
///
/// An upstream plays the target itself, whichever of the target's ports it is asked for; so the
/// proxy under test is all that stands between the client and its target.
int serve(const std::string& certificate_file);

}  // namespace bench
