#include "net/unix_peer.h"

#include <sys/socket.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;

TEST_CASE("the other end of a unix socket is known, of another kind it is not") {
  int both[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) == 0);
  const Fd one(both[0]);
  const Fd other(both[1]);
  const auto peer = unix_peer(one.get());
  REQUIRE(peer);
  CHECK(peer->uid == geteuid());
  CHECK(peer->pid == getpid());
  CHECK(peer->to_string() ==
        "unix:uid=" + std::to_string(geteuid()) + ",pid=" + std::to_string(getpid()));

  const Fd tcp(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK_FALSE(unix_peer(tcp.get()));
  CHECK_FALSE(unix_peer(-1));
  CHECK(trusted_peer(one.get()));
  CHECK_FALSE(trusted_peer(tcp.get()));
}

TEST_CASE("a process of another namespace has no number here") {
  CHECK(UnixPeer{1000, 0}.to_string() == "unix:uid=1000");
}
