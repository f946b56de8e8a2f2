#include "net/socket_address.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>

#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;

namespace {

constexpr std::size_t kRoom = sizeof(sockaddr_un::sun_path);

Fd unix_socket() { return Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

/// Whether one socket that is bound to `bound` is found at `asked`.
bool is_found(const SocketAddress& bound, const SocketAddress& asked) {
  const Fd listening = unix_socket();
  REQUIRE(bind(listening.get(), bound.get(), bound.size) == 0);
  REQUIRE(listen(listening.get(), 1) == 0);
  const Fd client = unix_socket();
  return connect(client.get(), asked.get(), asked.size) == 0;
}

}  // namespace

TEST_CASE("the address of a unix socket's path leads to its file") {
  const TempDir dir;
  const std::string path = dir.path("socket");
  const auto address = SocketAddress::of_path(path);
  REQUIRE(address);
  CHECK(is_found(*address, *SocketAddress::of_path(path)));
  CHECK(access(path.c_str(), F_OK) == 0);
}

TEST_CASE("an abstract address leads to the socket of just that name") {
  const std::string name = "culvert-address-" + std::to_string(getpid());
  const auto address = SocketAddress::of_abstract(name);
  REQUIRE(address);
  CHECK(is_found(*address, *SocketAddress::of_abstract(name)));
  CHECK_FALSE(is_found(*address, *SocketAddress::of_abstract(name + "x")));
  CHECK_FALSE(is_found(*address, *SocketAddress::of_path(name)));
}

TEST_CASE("a unix address has room for so many bytes and no more") {
  CHECK(SocketAddress::of_path(std::string(kRoom - 1, 'x')));
  CHECK_FALSE(SocketAddress::of_path(std::string(kRoom, 'x')));
  CHECK(SocketAddress::of_abstract(std::string(kRoom - 1, 'x')));
  CHECK_FALSE(SocketAddress::of_abstract(std::string(kRoom, 'x')));
}

TEST_CASE("an internet address comes back from the form of system calls") {
  for (const char* const text : {"192.0.2.1", "2001:db8::1"}) {
    const SocketAddress address = SocketAddress::of(*IpAddress::parse(text), 3128);
    const auto found = host_port_of(address.storage);
    REQUIRE(found);
    CHECK(found->host == text);
    CHECK(found->port == 3128);
    CHECK(host_port_of(*address.get()) == found);
  }
  CHECK_FALSE(host_port_of(SocketAddress::of_abstract("x")->storage));
}
