#include "net/peer_history.h"

#include <unistd.h>

#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

TEST_CASE("it is known when a TCP peer has connected, whatever it has sent since then") {
  const SocketPair pair = tcp_pair();
  for (int i = 0; i < 4; ++i) {
    usleep(100'000);
    send_all(pair.far, "!");
  }
  CHECK(time_since_connected(pair.near.get()) >= 350ms);
}

TEST_CASE("the round trip of TCP is known from the start") {
  const SocketPair pair = tcp_pair();
  CHECK(round_trip(pair.near.get()) > 0ms);
}

TEST_CASE("of a unix socket it is not known") {
  const SocketPair pair = unix_pair();
  CHECK(time_since_connected(pair.near.get()) == 0ms);
  CHECK(time_since_connected(-1) == 0ms);
  CHECK(round_trip(pair.near.get()) == 0ms);
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
