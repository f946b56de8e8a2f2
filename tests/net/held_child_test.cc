#include "net/held_child.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

using Command = std::vector<std::string>;

/// The word is the value of WORD.
std::vector<std::string> with_word(const std::string& word) {
  return {"PATH=/usr/bin:/bin", "WORD=" + word};
}

std::unique_ptr<HeldChild> fork_child(Command command) {
  auto child = HeldChild::fork(std::move(command), with_word);
  REQUIRE(child.ok());
  return std::move(*child);
}

int wait_for(const HeldChild& child) {
  int status = 0;
  REQUIRE(waitpid(child.pid(), &status, 0) == child.pid());
  return status;
}

/// What a child writes to the end of a pipe that it is given.
struct Pipe {
  Pipe() { REQUIRE(pipe(ends.data()) == 0); }
  ~Pipe() {
    for (const int end : ends) {
      if (end >= 0) close(end);
    }
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  std::string number() const { return std::to_string(ends[1]); }
  std::string read_all() {
    close(std::exchange(ends[1], -1));
    std::string text;
    std::array<char, 512> buffer;
    for (ssize_t count; (count = read(ends[0], buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text;
  }

  std::array<int, 2> ends{-1, -1};
};

}  // namespace

TEST_CASE("a held child runs its program once it gets the word, in a group of its own") {
  Pipe pipe;
  const auto child = fork_child(
      {"sh", "-c",
       "echo $WORD $0 $(ps -o pgid= -p $$ 2>/dev/null || cut -d' ' -f5 /proc/$$/stat) >&" +
           pipe.number() + "; exit 7",
       "argument"});
  child->release("hello");
  CHECK(pipe.read_all() == "hello argument " + std::to_string(child->pid()) + "\n");
  const int status = wait_for(*child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
  CHECK(child->execution_error() == 0);
}

/// What a child says of its signals and descriptors, if we do something before it gets the word.
template <typename Meanwhile>
std::string state_of_child(Meanwhile meanwhile) {
  Pipe pipe;
  const auto child = fork_child(
      {"sh", "-c",
       "{ grep -E '^Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd; } >&" + pipe.number()});
  meanwhile();
  child->release("go");
  std::string said = pipe.read_all();
  wait_for(*child);
  return said;
}

TEST_CASE("a held child has the signals and descriptors of the time when it was forked") {
  const std::string before = state_of_child([] {});
  std::array<int, 3> later{};
  const auto change = [&] {
    for (int& fd : later) fd = open("/dev/null", O_RDONLY);
    std::signal(SIGUSR1, SIG_IGN);
  };
  const std::string after = state_of_child(change);
  std::signal(SIGUSR1, SIG_DFL);
  for (const int fd : later) close(fd);
  CHECK(before == after);
  CHECK(before.find("SigIgn") != std::string::npos);
}

TEST_CASE("a program that cannot be executed is told by its errno") {
  const auto none = fork_child({"/no/such/program"});
  none->release("go");
  CHECK(WEXITSTATUS(wait_for(*none)) == 127);
  CHECK(none->execution_error() == ENOENT);
  const auto folder = fork_child({"/tmp"});
  folder->release("go");
  CHECK(WEXITSTATUS(wait_for(*folder)) == 126);
  CHECK(folder->execution_error() == EACCES);
}

TEST_CASE("a child that never gets the word runs nothing, and is not left behind") {
  int pid = 0;
  {
    const auto child = fork_child({"sh", "-c", "exit 3"});
    pid = child->pid();
    CHECK(kill(pid, 0) == 0);
  }
  CHECK(kill(pid, 0) != 0);
  CHECK(errno == ESRCH);
}
