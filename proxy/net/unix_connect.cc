#include "net/unix_connect.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "net/socket_address.h"

namespace culvert {

std::unique_ptr<TcpStream> connect_unix(Loop& loop, const std::string& path, int& error) {
  const auto address = SocketAddress::of_path(path);
  if (!address) {
    error = ENAMETOOLONG;
    return nullptr;
  }
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, address->get(), address->size) != 0) {
    error = errno;
    if (fd >= 0) close(fd);
    return nullptr;
  }
  auto stream = std::make_unique<TcpStream>(loop, fd, TcpStream::State::connected);
  error = stream->watch_error();
  return error == 0 ? std::move(stream) : nullptr;
}

}  // namespace culvert
