#include "net/terminal_signals.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <vector>

#include "support/catch.h"
#include "support/turns.h"

using namespace culvert;
using namespace std::chrono_literals;
using test::turn_until;

namespace {

using Signals = std::vector<int>;

/// The leader of a session with a terminal of its own, and a process in another group that has the
/// terminal.  For a process that was forked for it.
struct Scene {
  Scene() {
    setsid();
    keyboard = posix_openpt(O_RDWR | O_NOCTTY);
    grantpt(keyboard);
    unlockpt(keyboard);
    terminal = open(ptsname(keyboard), O_RDWR);
    other = fork();
    if (other == 0) {
      setpgid(0, 0);
      for (const int signal : {SIGINT, SIGQUIT}) std::signal(signal, SIG_IGN);
      for (;;) pause();
    }
    setpgid(other, other);
    signals = TerminalSignals::fork(other);
    if (!signals) return;
    signals->start(loop, TerminalSignals::Received::to<&Scene::on_signal>(this));
    tcsetpgrp(terminal, other);
  }
  void on_signal(int signal) { received.push_back(signal); }
  /// Returns when the signal has been sent.
  void type(char key) const {
    static_cast<void>(write(keyboard, &key, 1));
    char echo[2];  // ^C
    static_cast<void>(read(keyboard, echo, sizeof echo));
  }
  bool receives(const Signals& wanted) {
    return turn_until(
        loop, [&] { return received == wanted; }, 20s);
  }
  /// Nobody is left in the group, and we have no child.
  bool is_over() const {
    return kill(-other, 0) != 0 && waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD &&
           !loop.busy();
  }
  void end_other() const {
    kill(other, SIGKILL);
    waitpid(other, nullptr, 0);
  }

  int keyboard;
  int terminal;
  int other;
  Loop loop;
  std::unique_ptr<TerminalSignals> signals;
  Signals received;
};

/// Whether `act` is true of a scene.
bool in_scene(bool (*act)(Scene& scene)) {
  const int pid = fork();
  if (pid == 0) {
    Scene scene;
    _exit(scene.signals && act(scene) ? 0 : 1);
  }
  int status = -1;
  waitpid(pid, &status, 0);
  return status == 0;
}

}  // namespace

TEST_CASE("signals of the terminal to another group are told, others are not") {
  CHECK(in_scene([](Scene& scene) {
    kill(-scene.other, SIGINT);
    kill(-scene.other, SIGHUP);
    scene.type(28);  // Ctrl-backslash
    if (!scene.receives({SIGQUIT})) return false;
    scene.type(3);  // Ctrl-C
    return scene.receives({SIGQUIT, SIGINT});
  }));
}

TEST_CASE("the last signals are told at the end, also when the group has lost its leader") {
  CHECK(in_scene([](Scene& scene) {
    scene.end_other();
    scene.type(3);
    scene.signals->finish();
    return scene.received == Signals{SIGINT} && scene.is_over();
  }));
}

TEST_CASE("a member that was stopped with its group does not hang the end") {
  CHECK(in_scene([](Scene& scene) {
    kill(-scene.other, SIGSTOP);
    scene.type(3);
    scene.end_other();
    scene.signals->finish();
    return scene.received == Signals{SIGINT} && scene.is_over();
  }));
}

TEST_CASE("a member that was killed with its group is not left behind") {
  CHECK(in_scene([](Scene& scene) {
    kill(-scene.other, SIGKILL);
    waitpid(scene.other, nullptr, 0);
    const bool noticed = turn_until(
        scene.loop, [&] { return scene.is_over(); }, 20s);
    scene.signals->finish();
    return noticed && scene.received.empty();
  }));
}

TEST_CASE("its destruction ends the member") {
  CHECK(in_scene([](Scene& scene) {
    scene.signals.reset();
    scene.end_other();
    return scene.is_over();
  }));
}

TEST_CASE("without a terminal nothing is started") {
  const int pid = fork();
  if (pid == 0) {
    setsid();
    _exit(TerminalSignals::fork(getpid()) == nullptr ? 0 : 1);
  }
  int status = -1;
  waitpid(pid, &status, 0);
  CHECK(status == 0);
}
