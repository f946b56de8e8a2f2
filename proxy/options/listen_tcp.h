#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace culvert {

inline constexpr std::uint16_t kDefaultListenPort = 3128;
inline constexpr std::string_view kNoUserInListen =
    "a listener has no user and password; leave them out, and give --auth-file for a sign-in";

/// Reads what stands in a `--listen` for TCP between its scheme and its options: ADDRESS:PORT,
/// PORT, localhost:PORT or :PORT.  `scheme` is "http://" or the like, or empty if none was given.
/// Every mistake is appended to `problems`, with what to write instead and no part of what may be a
/// password; the result is empty if there was one.
std::vector<ListenConfig> parse_tcp_listen(std::string_view scheme, std::string_view text,
                                           std::vector<std::string>& problems);

/// Both loopback addresses.  For port 0 the IPv4 one alone, as the two would get different ports.
std::vector<ListenConfig> loopback_listen(std::uint16_t port);

}  // namespace culvert
