#include "net/passed_sockets.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;
using Catch::Matchers::Contains;

namespace {

using Variable = std::optional<std::string>;

constexpr int kOwnPid = 77;

/// "3=systemd:web 4=systemd:admin", or the error in braces.
std::string read(const Variable& pid, const Variable& fds, const Variable& names = {}) {
  const auto sockets = read_listen_variables({pid, fds, names}, kOwnPid);
  if (!sockets) return "{" + sockets.error().text + "}";
  std::string text;
  for (const PassedSocket& socket : *sockets) {
    text += (text.empty() ? "" : " ") + std::to_string(socket.fd) + "=" + socket.label;
  }
  return text;
}

std::optional<HandoverVariable> parsed(std::string_view text) {
  return HandoverVariable::parse(text);
}

}  // namespace

TEST_CASE("systemd passes sockets from descriptor 3 on, with names") {
  CHECK(read("77", "1", "web") == "3=systemd:web");
  CHECK(read("77", "2", "web:admin") == "3=systemd:web 4=systemd:admin");
  CHECK(read("77", "2", "web:web") == "3=systemd:web 4=systemd:web");
  CHECK(read("77", "1") == "3=systemd:unknown");
  CHECK(read("77", "1", "") == "3=systemd:");
}

TEST_CASE("why no socket was passed") {
  CHECK_THAT(read({}, {}), Contains("no socket was passed, LISTEN_FDS is not set"));
  CHECK_THAT(read({}, "1"), Contains("LISTEN_PID is not set"));
  CHECK_THAT(read("77", {}), Contains("LISTEN_FDS is not set"));
  CHECK_THAT(read("77", "0"), Contains("LISTEN_FDS is 0"));
  CHECK_THAT(read("78", "1"),
             Contains("passed to process 78") && Contains("LISTEN_PID") && Contains("process 77"));
  CHECK_THAT(read("77", "2", "web"), Contains("LISTEN_FDNAMES has 1 names for 2 sockets"));
  CHECK_THAT(read("77", "1", "web:admin"), Contains("2 names for 1 sockets"));
}

TEST_CASE("variables that are no numbers") {
  for (const char* const odd : {"", "x", "-1", "+1", " 1", "1 ", "0x1", "99999999999999999999"}) {
    CAPTURE(odd);
    CHECK_THAT(read("77", odd), Contains("LISTEN_FDS=") && Contains("is not a number"));
    CHECK_THAT(read(odd, "1"), Contains("LISTEN_PID=") && Contains("is not a number"));
  }
  CHECK_THAT(read("77", "2000000"), Contains("is not a number"));
  CHECK_THAT(read("77", "\x1b[2J\n"), !Contains("\x1b") && !Contains("\n"));
}

TEST_CASE("what a culvert passes on to its successor comes back out of the variable") {
  const HandoverVariable given{
      4711,
      3,
      {{4, "http://127.0.0.1:3128"}, {5, "unix:/run/with space:and 9:colon\n.sock"}, {6, ""}}};
  const auto got = parsed(given.to_string());
  REQUIRE(got);
  CHECK(got->predecessor_pid == 4711);
  CHECK(got->control == 3);
  CHECK(got->sockets == given.sockets);
  CHECK(parsed("1 3 ")->sockets.empty());
}

TEST_CASE("a variable that no culvert has made") {
  for (const char* const odd :
       {"", "1", "1 3", "x 3 ", "1 x ", "1 3 4", "1 3 4 ", "1 3 4 5:abcd", "1 3 4 -1:", "1 3 4 x:a",
        "1 3 -4 1:a", "1 3 4 1:ab", "1 3 4 99999999999999999999:a", "1 -3 "}) {
    CAPTURE(odd);
    CHECK_FALSE(parsed(odd));
  }
}

TEST_CASE("what was passed on is taken once, and goes to no child") {
  const SocketPair pair = unix_pair();  // as if this process were its own predecessor
  const int fd = pair.near.get();
  const std::string handover = HandoverVariable{getpid(), fd, {{fd, "unix:/a"}}}.to_string();
  setenv("LISTEN_PID", "1", 1);
  setenv("LISTEN_FDS", "1", 1);
  setenv("LISTEN_FDNAMES", "web", 1);
  setenv(HandoverVariable::kName, handover.c_str(), 1);
  const Inheritance taken = take_inheritance();
  CHECK_THAT(taken.none_from_systemd, Contains("passed to process 1 "));
  CHECK(taken.control == fd);
  CHECK(taken.sockets == std::vector<PassedSocket>{{fd, "unix:/a"}});
  CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  for (const char* const name :
       {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", HandoverVariable::kName}) {
    CHECK(std::getenv(name) == nullptr);
  }
  const Inheritance again = take_inheritance();
  CHECK(again.sockets.empty());
  CHECK(again.control == -1);
}

TEST_CASE("a descriptor that is not open is no socket, and becomes none") {
  const std::string pid = std::to_string(getpid());
  for (const char* const count : {"1000", "1000000"}) {
    CAPTURE(count);
    setenv("LISTEN_PID", pid.c_str(), 1);
    setenv("LISTEN_FDS", count, 1);
    const Inheritance taken = take_inheritance();
    CHECK(taken.sockets.empty());
    CHECK_THAT(taken.none_from_systemd,
               Contains(" is not open, and LISTEN_FDS is " + std::string(count)));
  }
  const SocketPair pair = unix_pair();
  const int gone = dup(STDERR_FILENO);
  close(gone);
  const HandoverVariable handover{getpid(), pair.near.get(), {{gone, "unix:/a"}}};
  setenv(HandoverVariable::kName, handover.to_string().c_str(), 1);
  const Inheritance taken = take_inheritance();
  CHECK(taken.sockets.empty());
  CHECK(taken.control == pair.near.get());
}

TEST_CASE("a hand-over by a process that is gone meanwhile is one") {
  std::array<int, 2> pipe_ends{};
  REQUIRE(pipe(pipe_ends.data()) == 0);
  const Fd reading(pipe_ends[0]);
  Fd writing(pipe_ends[1]);
  const pid_t predecessor = fork();
  if (predecessor == 0) {
    const pid_t own = getpid();
    const SocketPair pair = unix_pair();
    if (fork() != 0) _exit(0);
    // The successor, which has the pair from its predecessor.
    while (getppid() == own) usleep(1'000);
    const std::string text = HandoverVariable{own, pair.near.get(), {}}.to_string();
    setenv(HandoverVariable::kName, text.c_str(), 1);
    const char taken = take_inheritance().control == pair.near.get() ? 'y' : 'n';
    _exit(write(writing.get(), &taken, 1) == 1 ? 0 : 1);
  }
  REQUIRE(waitpid(predecessor, nullptr, 0) == predecessor);
  writing.reset();
  char taken = 0;
  CHECK(::read(reading.get(), &taken, 1) == 1);
  CHECK(taken == 'y');
}

TEST_CASE("the variable for another process is no hand-over to this one") {
  const SocketPair pair = unix_pair();
  const int control = GENERATE_REF(0, pair.near.get());
  setenv(HandoverVariable::kName, HandoverVariable{getpid() + 1, control, {}}.to_string().c_str(),
         1);
  CHECK(take_inheritance().control == -1);
  CHECK(std::getenv(HandoverVariable::kName) == nullptr);
}
