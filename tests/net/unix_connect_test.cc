#include "net/unix_connect.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>

#include "net/socket_address.h"
#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;

TEST_CASE("a unix socket is connected to, or it is known why not") {
  Loop loop;
  const TempDir dir;
  const std::string path = dir.path("socket");
  int error = 0;
  CHECK(connect_unix(loop, path, error) == nullptr);
  CHECK(error == ENOENT);
  CHECK(connect_unix(loop, "/" + std::string(200, 'x'), error) == nullptr);
  CHECK(error == ENAMETOOLONG);

  const Fd listening(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = SocketAddress::of_path(path);
  REQUIRE(bind(listening.get(), address->get(), address->size) == 0);
  CHECK(connect_unix(loop, path, error) == nullptr);
  CHECK(error == ECONNREFUSED);
  REQUIRE(listen(listening.get(), 0) == 0);
  const auto stream = connect_unix(loop, path, error);
  REQUIRE(stream);
  CHECK(connect_unix(loop, path, error) == nullptr);
  CHECK(error == EAGAIN);
  const Fd accepted(accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
  send_all(accepted, "hello");
  std::array<char, 16> bytes;
  Io io = stream->try_read(bytes);
  while (io.status == Io::Status::would_block) {
    loop.turn();
    io = stream->try_read(bytes);
  }
  CHECK(io.status == Io::Status::ok);
  CHECK(std::string(bytes.data(), io.bytes) == "hello");
}
