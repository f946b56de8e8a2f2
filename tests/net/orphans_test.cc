#include "net/orphans.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include "net/process.h"
#include "support/catch.h"
#include "support/turns.h"

using namespace culvert;
using namespace std::chrono_literals;
using test::turn_until;

namespace {

/// Gets the orphans of its children while it exists, as process 1 does.
struct Duty {
  Duty() { prctl(PR_SET_CHILD_SUBREAPER, 1); }
  ~Duty() { prctl(PR_SET_CHILD_SUBREAPER, 0); }
  Duty(const Duty&) = delete;
  Duty& operator=(const Duty&) = delete;
};

/// A child that ends at once.
int fork_child() {
  const int pid = fork();
  if (pid == 0) _exit(3);
  return pid;
}

bool is_zombie(int pid) {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0;
}

bool is_gone(int pid) { return kill(pid, 0) != 0 && errno == ESRCH; }

struct Ends {
  void on_line(std::string_view) {}
  void on_exit(int how, int) { status = how; }
  int status = -2;
};

}  // namespace

TEST_CASE("what has lost its parent is waited for, others' children are not") {
  const Duty duty;
  Loop loop;
  const int awaited = fork_child();
  REQUIRE(is_zombie(awaited));
  const int orphan = fork_child();  // only its parent could tell it from one
  REQUIRE(is_zombie(orphan));
  {
    Ends ends;
    auto of_libuv =
        ChildProcess::start(loop, "exit 7", ChildProcess::Line::to<&Ends::on_line>(&ends),
                            ChildProcess::Exited::to<&Ends::on_exit>(&ends));
    REQUIRE(of_libuv.ok());
    const Orphans orphans(loop, {awaited});
    REQUIRE(turn_until(
        loop, [&] { return ends.status != -2; }, 20s));
    CHECK(ends.status == 7);
    // The one that is awaited stands before it.
    CHECK(is_zombie(awaited));
    waitpid(awaited, nullptr, 0);
    CHECK(turn_until(
        loop, [&] { return is_gone(orphan); }, 20s));
  }
  CHECK(turn_until(loop, [&] { return !loop.busy(); }));
}

TEST_CASE("what is awaited no more is an orphan as others") {
  const Duty duty;
  Loop loop;
  const int awaited = fork_child();
  REQUIRE(is_zombie(awaited));
  {
    Orphans orphans(loop, {awaited});
    // Its number, in the hand of another process.
    orphans.forget(awaited);
    raise(SIGCHLD);
    CHECK(turn_until(
        loop, [&] { return is_gone(awaited); }, 20s));
  }
}

TEST_CASE("a process that gets no orphans leaves its children alone") {
  Loop loop;
  const int child = fork_child();
  {
    const Orphans orphans(loop, {});
    CHECK_FALSE(loop.busy());
    CHECK(is_zombie(child));
  }
  waitpid(child, nullptr, 0);
}
