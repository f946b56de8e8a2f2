#pragma once

#include <chrono>

namespace culvert {

/// How long ago the peer of a TCP connection has connected, if nothing was sent to it yet; 0 if the
/// system does not tell, as for a unix socket.
std::chrono::milliseconds time_since_connected(int fd);

/// The round trip to the peer of a TCP connection; 0 if the system does not tell.
std::chrono::milliseconds round_trip(int fd);

/// Bytes of the peer's wait in the kernel.
bool has_unread_bytes(int fd);

}  // namespace culvert
