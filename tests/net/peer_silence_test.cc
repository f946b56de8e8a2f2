#include "net/peer_silence.h"

#include <unistd.h>

#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

TEST_CASE("the silence of a TCP peer begins with its connection, and anew with its bytes") {
  const SocketPair pair = tcp_pair();
  usleep(400'000);
  const auto before = peer_silence(pair.near.get());
  CHECK(before >= 350ms);
  send_all(pair.far, "!");
  CHECK(peer_silence(pair.near.get()) < before);
}

TEST_CASE("of a unix socket it is not known") {
  const SocketPair pair = unix_pair();
  CHECK(peer_silence(pair.near.get()) == 0ms);
  CHECK(peer_silence(-1) == 0ms);
}

TEST_CASE("bytes of the peer wait until they are read") {
  const SocketPair pair = tcp_pair();
  CHECK_FALSE(has_unread_bytes(pair.near.get()));
  send_all(pair.far, "!");
  CHECK(has_unread_bytes(pair.near.get()));
  CHECK(receive_now(pair.near).bytes == "!");
  CHECK_FALSE(has_unread_bytes(pair.near.get()));
  CHECK_FALSE(has_unread_bytes(-1));
}
