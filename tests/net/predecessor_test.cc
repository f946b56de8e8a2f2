#include "net/predecessor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;

TEST_CASE("without a predecessor nothing is waited for") {
  Predecessor nobody(-1);
  CHECK_FALSE(nobody.await_turn("command"));
}

TEST_CASE("the predecessor hears that we are ready, and lets us go") {
  // Longer than what the kernel takes at once.
  const std::string command =
      GENERATE(std::string(), std::string("ssh"), std::string(1 << 20, 'x'));
  const std::size_t before = open_files();
  {
    SocketPair pair = unix_pair();
    // Of another thread Catch2 takes no checks.
    std::string received;
    bool let_go = false;
    bool ended = false;
    std::thread other([&] {
      pollfd readable{pair.near.get(), POLLIN, 0};
      while (received.size() < command.size() + 1 && poll(&readable, 1, 20'000) == 1) {
        received += receive_now(pair.near).bytes;
      }
      let_go = bool(send_turn(pair.near.get(), {}));
      ended = poll(&readable, 1, 20'000) == 1 && receive_now(pair.near).ended;
    });
    Predecessor predecessor(pair.far.release());
    CHECK_FALSE(predecessor.await_turn(command));
    other.join();
    CHECK(received == command + '\0');
    CHECK(let_go);
    CHECK(ended);
  }
  CHECK(open_files() == before);
}

TEST_CASE("the descriptors of a command that goes on running come along") {
  const std::size_t before = open_files();
  {
    SocketPair pair = unix_pair();
    const SocketPair lifeline = unix_pair();
    const SocketPair output = unix_pair();
    const Fd pid(dup(STDERR_FILENO));
    REQUIRE(send_turn(pair.near.get(), ChildProcess::Handle{4711, pid.get(), lifeline.near.get(),
                                                            output.near.get()}));
    Predecessor predecessor(pair.far.release());
    const auto handle = predecessor.await_turn("ssh");
    REQUIRE(handle);
    CHECK(handle->group == 4711);
    const Fd got_pid(handle->pid_fd);
    const Fd got_lifeline(handle->lifeline);
    const Fd got_output(handle->output);
    CHECK((fcntl(handle->lifeline, F_GETFD) & FD_CLOEXEC) != 0);
    send_all(got_lifeline, "1");
    CHECK(receive_now(lifeline.far).bytes == "1");
    send_all(output.far, "2");
    CHECK(receive_now(got_output).bytes == "2");
  }
  CHECK(open_files() == before);
}

TEST_CASE("a predecessor that is gone keeps nobody waiting") {
  SocketPair pair = unix_pair();
  pair.near.reset();
  Predecessor predecessor(pair.far.release());
  CHECK_FALSE(predecessor.await_turn("command"));
}

TEST_CASE("a process that ends before it serves closes the control socket") {
  const std::size_t before = open_files();
  {
    SocketPair pair = unix_pair();
    const Predecessor predecessor(pair.near.release());
  }
  CHECK(open_files() == before);
}
