#include "net/launcher.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;

namespace {

std::unique_ptr<Launcher> launcher_of(const Invocation& invocation) {
  auto launcher = Launcher::fork(invocation);
  REQUIRE(launcher);
  return std::move(*launcher);
}

std::unique_ptr<Launcher> shell(const std::string& script) {
  return launcher_of({"/bin/sh", {"-c", script}});
}

/// Waits for what the launcher tells next.
Launcher::End next_end(const Launcher& launcher) {
  pollfd readable{launcher.descriptor(), POLLIN, 0};
  REQUIRE(poll(&readable, 1, 20'000) == 1);
  const auto end = launcher.end();
  REQUIRE(end);
  return *end;
}

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("a launcher starts its program with a variable, and tells how it has ended") {
  const TempDir dir;
  const auto launcher = shell("echo \"$GIVEN\" >> " + dir.path("note") + "; exit 7");
  for (const char* value : {"one", "two = 2"}) {
    const auto pid = launcher->start("GIVEN", value, {});
    REQUIRE(pid);
    const Launcher::End end = next_end(*launcher);
    CHECK(end.pid == *pid);
    CHECK(end.status == 7);
    CHECK(end.signal == 0);
    CHECK_FALSE(launcher->is_gone());
  }
  CHECK(content_of(dir.path("note")) == "one\ntwo = 2\n");
}

TEST_CASE("a launcher passes on more descriptors than one message takes") {
  constexpr int kMany = 450;
  const TempDir dir;
  const std::string note = dir.path("note");
  const auto launcher = shell("ls /proc/$$/fd | sort -n | tail -n 1 > " + note);
  std::uint16_t port = 0;
  const Fd socket = listen_on_loopback(port);
  const std::size_t before = open_files();
  REQUIRE(launcher->start("X", "", std::vector<int>(kMany, socket.get())));
  CHECK(next_end(*launcher).status == 0);
  CHECK(std::stoi(content_of(note)) >= kMany + 2);
  CHECK(open_files() == before);
}

TEST_CASE("a launcher gives its program no other descriptor, and no signal that is ignored") {
  const TempDir dir;
  const std::string note = dir.path("note");
  const SocketPair other = tcp_pair();
  const auto launcher =
      shell("for n in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$n ] && echo $n; done > " + note +
            "; sed -nE 's/^Sig(Ign|Blk):.*(.{7})$/\\1 \\2/p' /proc/self/status >> " + note);
  REQUIRE(launcher->start("X", "", {}));
  CHECK(next_end(*launcher).status == 0);
  // But those that glibc keeps for itself.
  CHECK(content_of(note) == "Blk 0000000\nIgn 0000000\n");
}

TEST_CASE("signals for the group leave a launcher alone, and its program not") {
  const auto launcher = shell("exec sleep 60");
  const auto pid = launcher->start("X", "", {});
  REQUIRE(pid);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) kill(launcher->pid(), signal);
  kill(*pid, SIGTERM);
  CHECK(next_end(*launcher).signal == SIGTERM);
}

TEST_CASE("the watchdog's number is taken out of the environment if it was ours") {
  const TempDir dir;
  const std::string note = dir.path("note");
  for (const std::string& number : {std::to_string(getpid()), std::string("1")}) {
    setenv("WATCHDOG_PID", number.c_str(), 1);
    setenv("WATCHDOG_USEC", "1000000", 1);
    const auto launcher = shell("echo $WATCHDOG_PID,$WATCHDOG_USEC > " + note);
    REQUIRE(launcher->start("X", "", {}));
    next_end(*launcher);
    CHECK(content_of(note) == (number == "1" ? "1,1000000\n" : ",1000000\n"));
  }
  unsetenv("WATCHDOG_PID");
  unsetenv("WATCHDOG_USEC");
}

TEST_CASE("a launcher that is gone starts nothing") {
  const auto launcher = shell("exit 0");
  kill(launcher->pid(), SIGKILL);
  const auto started = launcher->start("X", "", {});
  REQUIRE_FALSE(started);
  CHECK(started.error().text.starts_with("cannot be started: "));
  launcher->finish();
  CHECK(launcher->is_gone());
}

TEST_CASE("the program is looked up as it is found now") {
  const TempDir dir;
  const std::string path = dir.path("a program");
  const std::string running = program_file("/no/such/program");
  CHECK(access(running.c_str(), X_OK) == 0);  // the file of this test
  CHECK(program_file(path) == running);
  std::ofstream(path) << "#!/bin/sh\n";
  REQUIRE(chmod(path.c_str(), 0755) == 0);
  CHECK(program_file(path) == path);
  CHECK(program_file("sh").ends_with("/sh"));
  CHECK(program_file("no such program") == running);
  CHECK(program_file("") == running);
}

TEST_CASE("an invocation is a program and its arguments") {
  const std::vector<const char*> words = {"culvert", "--threads", "2", nullptr};
  const Invocation three = Invocation::of(3, words.data());
  CHECK(three.program == "culvert");
  CHECK(three.arguments == std::vector<std::string>{"--threads", "2"});
  CHECK(Invocation::of(0, words.data()).program.empty());
}
