#include "net/foreground_child.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.h"
#include "support/turns.h"

using namespace culvert;
using namespace std::chrono_literals;
using test::turn_until;

// With a terminal it is tested as a process, by e2e/test_run.py.

namespace {

/// Whoever runs this program at a terminal would be stopped with it.
void leave_terminal() {
  const int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (terminal < 0) return;
  ioctl(terminal, TIOCNOTTY);
  close(terminal);
}

/// A command, and how it ended.
struct Scene {
  explicit Scene(const std::string& script) {
    leave_terminal();
    auto held = HeldChild::fork({"/bin/sh", "-c", script}, [](const std::string&) {
      return std::vector<std::string>{"PATH=/usr/bin:/bin"};
    });
    REQUIRE(held.ok());
    pid = (*held)->pid();
    child = std::make_unique<ForegroundChild>(
        loop, std::move(*held), nullptr, ForegroundChild::Ended::to<&Scene::on_ended>(this),
        ForegroundChild::AskedToEnd::to<&Scene::on_asked>(this));
  }
  ~Scene() {
    kill(-pid, SIGKILL);
    child.reset();
    loop.turn(0);
    CHECK_FALSE(loop.busy());
  }

  void on_ended(const ForegroundChild::End& how) { end = how; }
  void on_asked(int signal) { asked = signal; }

  void until_ended() {
    const auto ended = [&] {
#ifdef __SANITIZE_THREAD__
      // g++ 12's swallows some, though the kernel has delivered them.
      if (!end) raise(SIGCHLD);
#endif
      return end.has_value();
    };
    REQUIRE(turn_until(loop, ended, 20s));
  }
  /// As ps shows it.
  char state() const {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(file, text);
    const std::size_t name_end = text.rfind(')');
    return name_end == std::string::npos ? ' ' : text[name_end + 2];
  }
  void until_state(char wanted) {
    REQUIRE(turn_until(
        loop, [&] { return state() == wanted; }, 20s));
  }

  Loop loop;
  int pid = 0;
  std::unique_ptr<ForegroundChild> child;
  std::optional<ForegroundChild::End> end;
  int asked = 0;
};

/// A script that has told the scene that its traps are set, by its name.
std::string when_ready(const std::string& traps) {
  return traps + "; ulimit -c 0; exec 2>/dev/null; kill -STOP $$; while :; do sleep 0.01; done";
}

}  // namespace

TEST_CASE("how a command ends is reported") {
  Scene exits("exit 9");
  exits.child->start("go");
  CHECK_FALSE(exits.end);
  exits.until_ended();
  CHECK(exits.end->status == 9);
  CHECK(exits.end->signal == 0);
  CHECK_FALSE(exits.end->by_key);
}

TEST_CASE("a command that is ended by a signal is not taken for one that exits") {
  Scene scene("ulimit -c 0; kill -SEGV $$");
  scene.child->start("go");
  scene.until_ended();
  CHECK(scene.end->signal == SIGSEGV);
}

TEST_CASE("signals that we get are passed on to the command") {
  struct Case {
    int signal;
    const char* name;
  };
  for (const auto& [signal, name] :
       {Case{SIGINT, "INT"}, Case{SIGTERM, "TERM"}, Case{SIGHUP, "HUP"}, Case{SIGQUIT, "QUIT"},
        Case{SIGUSR1, "USR1"}, Case{SIGUSR2, "USR2"}, Case{SIGWINCH, "WINCH"},
        Case{SIGALRM, "ALRM"}, Case{SIGPWR, "PWR"}}) {
    CAPTURE(name);
    Scene scene(when_ready(std::string("trap 'exit 5' ") + name));
    scene.child->start("go");
    scene.until_state('T');
    kill(scene.pid, SIGCONT);
    raise(signal);
    scene.until_ended();
    CHECK(scene.end->status == 5);
    CHECK(scene.asked == 0);
  }
}

TEST_CASE("a signal that asks for no end is lost while there is no command") {
  Scene scene("exit 0");
  for (const int signal : {SIGUSR1, SIGRTMIN, SIGRTMAX}) raise(signal);
  scene.child->start("go");
  scene.until_ended();
  for (const int signal : {SIGUSR2, SIGRTMAX}) raise(signal);
  scene.loop.turn(0);
  CHECK(scene.asked == 0);
}

TEST_CASE("a signal to end counts for the owner while there is no command") {
  Scene scene("exit 0");
  raise(SIGTERM);
  REQUIRE(turn_until(scene.loop, [&] { return scene.asked == SIGTERM; }));
  CHECK_FALSE(scene.end);
  scene.child->start("go");
  scene.until_ended();
  raise(SIGINT);
  REQUIRE(turn_until(scene.loop, [&] { return scene.asked == SIGINT; }));
}

TEST_CASE("a command that somebody else stops and continues is served meanwhile") {
  Scene scene("while :; do sleep 0.01; done");
  scene.child->start("go");
  scene.until_state('S');
  kill(scene.pid, SIGSTOP);
  scene.until_state('T');
  // This process would not get here if it had stopped with it.
  kill(scene.pid, SIGCONT);
  raise(SIGTERM);
  scene.until_ended();
  CHECK(scene.end->signal == SIGTERM);
}

TEST_CASE("SIGCONT reaches a command that is stopped") {
  Scene scene("kill -STOP $$; exit 4");
  scene.child->start("go");
  scene.until_state('T');
  raise(SIGCONT);
  scene.until_ended();
  CHECK(scene.end->status == 4);
}
