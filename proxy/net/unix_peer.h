#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace culvert {

/// Who has connected to a unix socket, as the kernel saw it then (SO_PEERCRED in unix(7)).
struct UnixPeer {
  std::uint32_t uid = 0;
  std::int32_t pid = 0;  ///< 0: a process of another PID namespace, which has no number here

  /// "unix:uid=1000,pid=4242"
  std::string to_string() const;
};

/// nullopt if `fd` is no connection of a unix socket.
std::optional<UnixPeer> unix_peer(int fd);

/// The same; nullopt also if it is neither of our own user nor root's.
std::optional<UnixPeer> trusted_peer(int fd);

}  // namespace culvert
