#pragma once

#include <chrono>

namespace culvert {

/// How long ago the peer of a TCP connection sent bytes, or connected if it has sent none; 0 if the
/// system does not tell, as for a unix socket.
std::chrono::milliseconds peer_silence(int fd);

/// Bytes of the peer's wait in the kernel.
bool has_unread_bytes(int fd);

}  // namespace culvert
