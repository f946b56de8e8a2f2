#include "net/unix_peer.h"

#include <sys/socket.h>
#include <unistd.h>

#include <limits>

#include "base/text.h"

namespace culvert {

std::string UnixPeer::to_string() const {
  std::string text = "unix:uid=";
  append_number(text, uid);
  if (pid == 0) return text;
  text += ",pid=";
  append_number(text, pid);
  return text;
}

std::optional<UnixPeer> unix_peer(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  // For other sockets the kernel has an answer, too: nobody.
  if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 ||
      credentials.uid == std::numeric_limits<uid_t>::max()) {
    return std::nullopt;
  }
  return UnixPeer{credentials.uid, credentials.pid};
}

std::optional<UnixPeer> trusted_peer(int fd) {
  const auto peer = unix_peer(fd);
  return peer && (peer->uid == geteuid() || peer->uid == 0) ? peer : std::nullopt;
}

}  // namespace culvert
