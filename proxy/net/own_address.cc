#include "net/own_address.h"

#include <unistd.h>

#include "net/socket_address.h"

namespace culvert {

bool is_own_address(const IpAddress& address) {
  const SocketAddress raw = SocketAddress::of(address, 0);
  const int fd = socket(raw.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return true;
  const bool bound = bind(fd, raw.get(), raw.size) == 0;
  close(fd);
  return bound;
}

}  // namespace culvert
