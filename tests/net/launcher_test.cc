#include "net/launcher.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/file_text.h"
#include "support/catch.h"
#include "support/sockets.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::EndsWith;

namespace {

/// Has a launcher start a program, and hears of it.
struct Starter final : private Launcher::Client {
  explicit Starter(const Invocation& invocation) {
    auto made = Launcher::fork(invocation);
    REQUIRE(made);
    launcher = std::move(*made);
    launcher->attend(loop, Callback<void()>::to<&Starter::on_gone>(this));
  }
  explicit Starter(const std::string& script) : Starter(Invocation{"/bin/sh", {"-c", script}}) {}
  ~Starter() {
    launcher->finish();
    loop.turn(0);
    CHECK_FALSE(loop.busy());
  }

  Result<void> order(const std::string& value = "", const std::vector<int>& descriptors = {}) {
    pid = 0;
    ended.clear();
    return launcher->start("GIVEN", value, descriptors, *this);
  }
  void start(const std::string& value = "", const std::vector<int>& descriptors = {}) {
    REQUIRE(order(value, descriptors));
    until([&] { return pid > 0; });
  }
  Launcher::End await_end() {
    until([&] { return !ended.empty(); });
    return ended.back();
  }
  template <typename Condition>
  void until(Condition condition) {
    REQUIRE(turn_until(loop, condition, 20s));
  }

  void on_started(const Result<int>& result) override {
    if (result) {
      pid = *result;
    } else {
      failure = result.error().text;
    }
  }
  void on_ended(const Launcher::End& end) override {
    if (end.pid == pid) ended.push_back(end);
  }
  void on_launcher_gone() override { ++lost; }
  void on_gone() { ++gone; }

  Loop loop;
  std::unique_ptr<Launcher> launcher;
  int pid = 0;
  std::string failure;
  std::vector<Launcher::End> ended;
  int lost = 0;  // as its client
  int gone = 0;
};

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Whether somebody has waited for it or not.
bool has_ended_soon(int pid) {
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (!file_text("/proc/" + std::to_string(pid) + "/cmdline").empty()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

bool is_there(int pid) { return kill(pid, 0) == 0; }

}  // namespace

TEST_CASE("a launcher starts its program with a variable, and tells how it has ended") {
  const TempDir dir;
  Starter starter("echo \"$GIVEN\" >> " + dir.path("note") + "; exit 7");
  for (const char* value : {"one", "two = 2"}) {
    starter.start(value);
    const Launcher::End end = starter.await_end();
    CHECK(end.pid == starter.pid);
    CHECK(end.status == 7);
    CHECK(end.signal == 0);
    CHECK_FALSE(starter.launcher->is_gone());
  }
  CHECK(content_of(dir.path("note")) == "one\ntwo = 2\n");
}

TEST_CASE("a launcher passes on more descriptors than one message takes") {
  constexpr int kMany = 450;
  const TempDir dir;
  const std::string note = dir.path("note");
  Starter starter("ls /proc/$$/fd | sort -n | tail -n 1 > " + note);
  std::uint16_t port = 0;
  const Fd socket = listen_on_loopback(port);
  const std::size_t before = open_files();
  starter.start("", std::vector<int>(kMany, socket.get()));
  CHECK(starter.await_end().status == 0);
  CHECK(std::stoi(content_of(note)) >= kMany + 2);
  CHECK(open_files() == before);
}

TEST_CASE("a launcher gives its program no other descriptor") {
  const TempDir dir;
  const std::string note = dir.path("note");
  const SocketPair other = tcp_pair();
  Starter starter("for n in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$n ] && echo $n; done > " + note +
                  "; echo >> " + note);
  starter.start();
  CHECK(starter.await_end().status == 0);
  CHECK(content_of(note) == "\n");
}

TEST_CASE(
    "a program starts with no signal ignored, and with those blocked that would end it early") {
  const TempDir dir;
  const std::string note = dir.path("note");
  // Not by a shell, which may unblock them.  The others are glibc's own.
  Starter starter(Invocation{
      "sed", {"-nE", "s/^Sig(Ign|Blk):.*(.{7})$/\\1 \\2/w " + note, "/proc/self/status"}});
  starter.start();
  CHECK(starter.await_end().status == 0);
  CHECK(content_of(note) == "Blk 0000801\nIgn 0000000\n");  // SIGHUP and SIGUSR2
}

TEST_CASE("signals for the group leave a launcher alone, and its program not") {
  Starter starter("exec sleep 60");
  starter.start();
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) kill(starter.launcher->pid(), signal);
  kill(starter.pid, SIGTERM);
  CHECK(starter.await_end().signal == SIGTERM);
}

TEST_CASE("the watchdog's number is taken out of the environment if it was ours") {
  const TempDir dir;
  const std::string note = dir.path("note");
  for (const std::string& number : {std::to_string(getpid()), std::string("1")}) {
    setenv("WATCHDOG_PID", number.c_str(), 1);
    setenv("WATCHDOG_USEC", "1000000", 1);
    Starter starter("echo $WATCHDOG_PID,$WATCHDOG_USEC > " + note);
    starter.start();
    starter.await_end();
    CHECK(content_of(note) == (number == "1" ? "1,1000000\n" : ",1000000\n"));
  }
  unsetenv("WATCHDOG_PID");
  unsetenv("WATCHDOG_USEC");
}

TEST_CASE("a launcher that is killed is noticed and waited for, and starts nothing") {
  Starter starter("exec sleep 60");
  const int launcher = starter.launcher->pid();
  SECTION("while it has nothing to do") {
    kill(launcher, SIGKILL);
    starter.until([&] { return starter.gone == 1; });
    CHECK(starter.lost == 0);
  }
  SECTION("while its program runs") {
    starter.start();
    const int pid = starter.pid;
    kill(launcher, SIGKILL);
    starter.until([&] { return starter.gone == 1; });
    CHECK(starter.lost == 1);
    kill(pid, SIGKILL);
  }
  SECTION("while it is asked") {
    kill(launcher, SIGKILL);
    // Its end of the socket pair is closed then.
    siginfo_t ended{};
    REQUIRE(waitid(P_PID, static_cast<id_t>(launcher), &ended, WEXITED | WNOWAIT) == 0);
    CHECK_FALSE(starter.order());
    CHECK(starter.gone == 1);
  }
  CHECK(starter.launcher->is_gone());
  CHECK_FALSE(is_there(launcher));  // nor a zombie
  const auto again = starter.order();
  REQUIRE_FALSE(again);
  CHECK(again.error().text == "cannot be started: " + starter.launcher->name() + " has ended");
  CHECK(starter.gone == 1);
}

TEST_CASE("a launcher that is stopped holds up nobody, and what was given up is not started") {
  const TempDir dir;
  const std::string note = dir.path("note");
  Starter starter("echo $$ >> " + note + "; exec sleep 60");
  kill(starter.launcher->pid(), SIGSTOP);
  REQUIRE(starter.order());
  settle(starter.loop, 5);
  CHECK(starter.pid == 0);
  std::array<int, 2> control{};
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control.data()) == 0);
  const Fd other(control[1]);
  starter.launcher->abandon(control[0]);
  const auto again = starter.order();
  REQUIRE_FALSE(again);
  CHECK_THAT(again.error().text, EndsWith("does not answer - is it stopped?"));
  CHECK(recv(other.get(), control.data(), 1, MSG_DONTWAIT) == -1);  // still open

  kill(starter.launcher->pid(), SIGCONT);
  char byte = 0;
  starter.until([&] { return recv(other.get(), &byte, 1, MSG_DONTWAIT) == 0; });
  CHECK(starter.pid == 0);
  // It may have got as far as that.
  if (const std::string given_up = content_of(note); !given_up.empty()) {
    CHECK(has_ended_soon(std::stoi(given_up)));
  }
  // And now it starts others.
  starter.start();
  kill(starter.pid, SIGTERM);
  CHECK(starter.await_end().pid == starter.pid);
}

TEST_CASE("a launcher that is stopped can be ended") {
  Starter starter("exit 0");
  const int pid = starter.launcher->pid();
  kill(pid, SIGSTOP);
  starter.launcher->finish();
  CHECK_FALSE(is_there(pid));
  CHECK(starter.gone == 0);
}

TEST_CASE("what a launcher is starting at its end is killed") {
  const TempDir dir;
  Starter starter("echo $$ > " + dir.path("note") + "; exec sleep 60");
  REQUIRE(starter.order());
  starter.launcher->finish();
  CHECK(starter.pid == 0);
  // It may have got as far as this.
  const std::string note = content_of(dir.path("note"));
  if (!note.empty()) CHECK(has_ended_soon(std::stoi(note)));
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
