#include "net/predecessor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "net/descriptor_piece.h"
#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;

TEST_CASE("without a predecessor nothing is waited for") {
  Predecessor nobody(-1);
  CHECK(nobody.await_turn("command").empty());
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
    const std::vector<PassedCommand> passed = predecessor.await_turn(command);
    CHECK(std::none_of(passed.begin(), passed.end(),
                       [](const PassedCommand& one) { return one.running || one.port != 0; }));
    other.join();
    CHECK(received == command + '\0');
    CHECK(let_go);
    CHECK(ended);
  }
  CHECK(open_files() == before);
}

namespace {

/// What takes the place of a child's descriptors.
struct Child {
  SocketPair lifeline = unix_pair();
  SocketPair output = unix_pair();
  Fd pid{dup(STDERR_FILENO)};

  ChildProcess::Handle handle(int group) const {
    return {group, pid.get(), lifeline.near.get(), output.near.get()};
  }
  void check(const ChildProcess::Handle& got) const {
    const Fd got_pid(got.pid_fd);
    const Fd got_lifeline(got.lifeline);
    const Fd got_output(got.output);
    CHECK((fcntl(got.lifeline, F_GETFD) & FD_CLOEXEC) != 0);
    send_all(got_lifeline, "1");
    CHECK(receive_now(lifeline.far).bytes == "1");
    send_all(output.far, "2");
    CHECK(receive_now(got_output).bytes == "2");
  }
};

}  // namespace

TEST_CASE("the descriptors of a command that goes on running come along") {
  const std::size_t before = open_files();
  {
    SocketPair pair = unix_pair();
    const Child child;
    REQUIRE(send_turn(pair.near.get(), {{0, child.handle(4711)}}));
    Predecessor predecessor(pair.far.release());
    const auto passed = predecessor.await_turn("ssh");
    REQUIRE(passed.size() == 1);
    CHECK(passed[0].port == 0);
    REQUIRE(passed[0].running);
    CHECK(passed[0].running->group == 4711);
    child.check(*passed[0].running);
  }
  CHECK(open_files() == before);
}

TEST_CASE("as many commands as there may be come along, each with its port") {
  const std::size_t before = open_files();
  {
    SocketPair pair = unix_pair();
    const std::vector<Child> children(15);
    std::vector<PassedCommand> sent;
    for (const Child& child : children) {
      const auto number = static_cast<std::uint16_t>(sent.size() + 1);
      sent.push_back({number, child.handle(1000 + number)});
    }
    sent.insert(sent.begin() + 1, {77, std::nullopt});  // it waits for its next start
    REQUIRE(send_turn(pair.near.get(), sent));
    Predecessor predecessor(pair.far.release());
    const auto passed = predecessor.await_turn("ssh");
    REQUIRE(passed.size() == sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) {
      CHECK(passed[i].port == sent[i].port);
      REQUIRE(passed[i].running.has_value() == sent[i].running.has_value());
      if (!passed[i].running) continue;
      CHECK(passed[i].running->group == sent[i].running->group);
      children[i == 0 ? 0 : i - 1].check(*passed[i].running);
    }
  }
  CHECK(open_files() == before);
}

TEST_CASE("a command of a version that knew no ports comes along, and one goes to it") {
  const Child child;
  SocketPair pair = unix_pair();
  SECTION("it comes") {
    int group = 4711;
    DescriptorPiece piece(&group, sizeof group);
    const ChildProcess::Handle handle = child.handle(group);
    piece.attach(std::array{handle.pid_fd, handle.lifeline, handle.output});
    REQUIRE(sendmsg(pair.near.get(), piece.message(), 0) == sizeof group);
    Predecessor predecessor(pair.far.release());
    const auto passed = predecessor.await_turn("ssh");
    REQUIRE(passed.size() == 1);
    REQUIRE(passed[0].running);
    child.check(*passed[0].running);
  }
  SECTION("it goes") {
    const bool runs = GENERATE(true, false);
    PassedCommand command;
    if (runs) command.running = child.handle(4711);
    REQUIRE(send_turn(pair.near.get(), {command}));
    int group = -1;
    DescriptorPiece piece(&group, sizeof group);
    REQUIRE(recvmsg(pair.far.get(), piece.message(), MSG_DONTWAIT) == sizeof group);
    CHECK(group == (runs ? 4711 : 0));
    std::vector<int> descriptors;
    piece.take_descriptors(descriptors);
    CHECK(descriptors.size() == (runs ? 3 : 0));
    for (const int descriptor : descriptors) close(descriptor);
    CHECK(receive_now(pair.far).bytes.empty());
  }
}

TEST_CASE("a no that comes in one piece with its reason is read whole") {
  SocketPair pair = unix_pair();
  send_no_turn(pair.near.get(), "it has other plans");
  pair.near.reset();
  Predecessor predecessor(pair.far.release());
  CHECK(predecessor.await_turn("ssh").empty());
  CHECK(predecessor.given_up() == "it has other plans");
}

TEST_CASE("a predecessor that is gone keeps nobody waiting") {
  SocketPair pair = unix_pair();
  pair.near.reset();
  Predecessor predecessor(pair.far.release());
  CHECK(predecessor.await_turn("command").empty());
}

TEST_CASE("a process that ends before it serves closes the control socket") {
  const std::size_t before = open_files();
  {
    SocketPair pair = unix_pair();
    const Predecessor predecessor(pair.near.release());
  }
  CHECK(open_files() == before);
}
