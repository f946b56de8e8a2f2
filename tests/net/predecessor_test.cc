#include "net/predecessor.h"

#include <poll.h>
#include <sys/socket.h>

#include <thread>

#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;

TEST_CASE("without a predecessor nothing is waited for") {
  Predecessor nobody(-1);
  nobody.await_turn();
}

TEST_CASE("the predecessor hears that we are ready, and lets us go") {
  const std::size_t before = open_files();
  {
    SocketPair pair = unix_pair();
    std::thread other([&] {
      const auto receive = [&] {
        pollfd readable{pair.near.get(), POLLIN, 0};
        poll(&readable, 1, 20'000);
        char byte = 0;
        return recv(pair.near.get(), &byte, 1, 0);
      };
      CHECK(receive() == 1);
      CHECK(send(pair.near.get(), "", 1, 0) == 1);
      CHECK(receive() == 0);  // closed
    });
    Predecessor predecessor(pair.far.release());
    predecessor.await_turn();
    other.join();
  }
  CHECK(open_files() == before);
}

TEST_CASE("a predecessor that is gone keeps nobody waiting") {
  SocketPair pair = unix_pair();
  pair.near.reset();
  Predecessor predecessor(pair.far.release());
  predecessor.await_turn();
}

TEST_CASE("a process that ends before it serves closes the control socket") {
  const std::size_t before = open_files();
  {
    SocketPair pair = unix_pair();
    const Predecessor predecessor(pair.near.release());
  }
  CHECK(open_files() == before);
}
