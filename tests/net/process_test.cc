#include "net/process.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "net/loop.h"
#include "support/catch.h"
#include "support/sockets.h"
#include "support/turns.h"

using namespace culvert;
using namespace std::chrono_literals;
using test::turn_until;

namespace {

/// Runs a command and notes what comes back.
struct Run {
  explicit Run(const std::string& command) {
    auto started = ChildProcess::start(loop, command, ChildProcess::Line::to<&Run::on_line>(this),
                                       ChildProcess::Exited::to<&Run::on_exit>(this));
    REQUIRE(started.ok());
    child = std::move(*started);
  }
  ~Run() {
    child.reset();
    loop.turn(0);
    CHECK_FALSE(loop.busy());
  }

  void on_line(std::string_view line) { lines.emplace_back(line); }
  void on_exit(int status_, int signal_) {
    status = status_;
    signal = signal_;
    child.reset();  // which it allows
  }

  void until_lines(std::size_t count) {
    until([&] { return lines.size() >= count; });
  }
  void until_exit() {
    until([&] { return child == nullptr; });
  }
  template <typename Condition>
  void until(Condition condition) {
    REQUIRE(turn_until(loop, condition, 20s));
  }

  Loop loop;
  std::unique_ptr<ChildProcess> child;
  std::vector<std::string> lines;
  int status = -1;
  int signal = -1;
};

/// A zombie, which waits for somebody else to notice, is not.
bool is_alive(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t name_end = text.rfind(')');
  return name_end != std::string::npos && text.compare(name_end, 3, ") Z") != 0;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a command's output comes line by line, before its end") {
  Run run("echo one >&2; echo two; printf 'three\\r\\n'; printf rest; exit 7");
  run.until_exit();
  CHECK(run.lines == Lines{"one", "two", "three", "rest"});
  CHECK(run.status == 7);
  CHECK(run.signal == 0);
}

TEST_CASE("a command that cannot run reports it itself") {
  Run run("/no/such/program");
  run.until_exit();
  CHECK(run.status == 127);
  CHECK(run.lines.size() == 1);
}

TEST_CASE("a command has our environment, and is not in it itself") {
  REQUIRE(setenv("command", "own", 1) == 0);
  Run run("echo $command; env | grep -c secret-word || true; true secret-word");
  run.until_exit();
  CHECK(run.lines == Lines{"own", "0"});
  unsetenv("command");
}

TEST_CASE("an overlong line comes in pieces") {
  Run run("head -c 10000 /dev/zero | tr '\\0' x");
  run.until_exit();
  std::string all;
  for (const std::string& line : run.lines) {
    CHECK(line.size() < 7000);
    all += line;
  }
  CHECK(all == std::string(10000, 'x'));
}

TEST_CASE("a command has no input and is terminated with its children") {
  Run run("cat; sleep 1000 & echo $!; wait");
  run.until_lines(1);
  const int grandchild = std::atoi(run.lines[0].c_str());
  REQUIRE(is_alive(grandchild));
  run.child->terminate();
  run.until_exit();
  CHECK(run.signal == SIGTERM);
  run.until([&] { return !is_alive(grandchild); });
}

TEST_CASE("a stubborn command is ended by force") {
  Run run("trap 'echo no' TERM; echo ready; while :; do :; done");
  run.until_lines(1);
  run.child->terminate();
  run.until_lines(2);
  CHECK(run.lines == Lines{"ready", "no"});
  REQUIRE(run.child != nullptr);
  run.child->kill();
  run.until_exit();
  CHECK(run.signal == SIGKILL);
}

TEST_CASE("what a command leaves behind goes with it") {
  Run run("sleep 1000 & echo $!; exit 0");
  run.until_exit();
  REQUIRE(run.lines.size() == 1);
  const int left = std::atoi(run.lines[0].c_str());
  run.until([&] { return !is_alive(left); });
}

TEST_CASE("destruction ends a command silently") {
  int pid = 0;
  Loop loop;
  struct Sink {
    void on_line(std::string_view line) { pid = std::atoi(std::string(line).c_str()); }
    void on_exit(int, int) { FAIL("after its destruction"); }
    int& pid;
  } sink{pid};
  auto child = ChildProcess::start(loop, "echo $$; exec sleep 1000",
                                   ChildProcess::Line::to<&Sink::on_line>(&sink),
                                   ChildProcess::Exited::to<&Sink::on_exit>(&sink));
  REQUIRE(child.ok());
  REQUIRE(turn_until(loop, [&] { return pid != 0; }));
  child->reset();
  loop.turn(0);
  CHECK_FALSE(loop.busy());
}

namespace {

/// A command that `from` has started, and that somebody else takes over.
struct Heir {
  explicit Heir(Run& from) {
    const auto handle = from.child->handle();
    REQUIRE(handle);
    const ChildProcess::Handle ours{handle->group, handle->pid_fd, dup(handle->lifeline),
                                    dup(handle->output)};
    from.child->release();
    from.child.reset();
    from.loop.turn(0);
    child = ChildProcess::take_over(loop, ours, ChildProcess::Line::to<&Heir::on_line>(this),
                                    ChildProcess::Exited::to<&Heir::on_exit>(this));
  }
  ~Heir() {
    child.reset();
    loop.turn(0);
    CHECK_FALSE(loop.busy());
  }
  void on_line(std::string_view line) { lines.emplace_back(line); }
  void on_exit(int status_, int) {
    status = status_;
    child.reset();
  }

  Loop loop;
  std::unique_ptr<ChildProcess> child;
  Lines lines;
  int status = 0;
};

}  // namespace

TEST_CASE("a command that is taken over goes on, and its end is noticed") {
  const std::size_t before = test::open_files();
  {
    const test::TempDir dir;
    Run run("echo one; while [ ! -e " + dir.path("go") +
            " ]; do sleep 0.02; done; echo two; exit 3");
    run.until_lines(1);
    Heir heir(run);
    CHECK(is_alive(heir.child->group()));
    std::ofstream(dir.path("go")) << "go";
    REQUIRE(turn_until(
        heir.loop, [&] { return heir.child == nullptr; }, 20s));
    CHECK(heir.lines == Lines{"two"});
    CHECK(heir.status == -1);
  }
  CHECK(test::open_files() <= before + 2);  // the pipe that libuv keeps for SIGCHLD
}

TEST_CASE("a command that is taken over ends with who looks after it") {
  Run run("echo $$; exec sleep 1000");
  run.until_lines(1);
  const int pid = std::atoi(run.lines[0].c_str());
  {
    Heir heir(run);
    run.until([&] { return is_alive(pid); });
    if (GENERATE(true, false)) {
      heir.child->terminate();
      REQUIRE(turn_until(
          heir.loop, [&] { return heir.child == nullptr; }, 20s));
    }
  }
  run.until([&] { return !is_alive(pid); });
}
