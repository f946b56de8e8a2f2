#include "net/successor.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "base/file_text.h"
#include "support/catch.h"
#include "support/sockets.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

std::unique_ptr<Launcher> launcher_of(const Invocation& invocation) {
  auto launcher = Launcher::fork(invocation);
  REQUIRE(launcher);
  return std::move(*launcher);
}

/// A shell as the new process, whose descriptor 3 is the control socket.
struct Change {
  explicit Change(const std::string& script, const std::vector<PassedSocket>& sockets = {},
                  std::chrono::milliseconds limit = 20s)
      : Change(Invocation{"/bin/sh", {"-c", script}}, sockets, limit) {
    until([&] { return started == 1; });
  }
  explicit Change(const Invocation& invocation, const std::vector<PassedSocket>& sockets = {},
                  std::chrono::milliseconds limit = 20s, bool stopped = false)
      : launcher(launcher_of(invocation)) {
    launcher->attend(loop, {});
    if (stopped) kill(launcher->pid(), SIGSTOP);
    auto ordered = Successor::start(loop, *launcher, sockets,
                                    Successor::Started::to<&Change::on_started>(this),
                                    Successor::Ready::to<&Change::on_ready>(this),
                                    Successor::Failed::to<&Change::on_failed>(this), limit);
    REQUIRE(ordered);
    successor = std::move(*ordered);
  }
  ~Change() {
    successor.reset();
    launcher->finish();
    loop.turn(0);
    CHECK_FALSE(loop.busy());
  }
  void on_started() {
    ++started;
    CHECK(successor->pid() > 0);
  }
  void on_ready(const std::string& tunnel_command) {
    ++ready;
    command = tunnel_command;
  }
  void on_failed(const std::string& reason) {
    why = reason;
    successor.reset();  // which it allows
  }
  template <typename Condition>
  void until(Condition condition) {
    REQUIRE(turn_until(loop, condition, 20s));
  }

  std::unique_ptr<Launcher> launcher;
  Loop loop;
  std::unique_ptr<Successor> successor;
  int started = 0;
  int ready = 0;
  std::string command;
  std::string why;
};

constexpr const char* kReport = "printf '\\0' >&3; ";
constexpr const char* kAwait = "dd bs=1 count=1 <&3 >/dev/null 2>&1; ";

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Whether somebody has waited for it or not.
bool has_ended(int pid) { return file_text("/proc/" + std::to_string(pid) + "/cmdline").empty(); }

}  // namespace

TEST_CASE("a successor that is ready waits until it is let go") {
  const std::size_t before = open_files();
  {
    const TempDir dir;
    const std::string note = dir.path("note");
    Change change(std::string(kReport) + kAwait + "echo served > " + note);
    change.until([&] { return change.ready == 1; });
    settle(change.loop, 20);
    CHECK(access(note.c_str(), F_OK) != 0);
    CHECK(change.successor->pid() > 0);
    CHECK(change.successor->let_go({}));
    change.until([&] { return content_of(note) == "served\n"; });
    change.until([&] { return change.successor->pid() == 0; });  // its end is noticed
    CHECK(change.ready == 1);
    CHECK(change.why.empty());
  }
  CHECK(open_files() == before);
}

TEST_CASE("a successor that is ready says which tunnel command it has") {
  Change change("printf 'ssh -D ' >&3; sleep 0.1; printf '1080 host\\0' >&3; exec sleep 60");
  change.until([&] { return change.ready == 1; });
  CHECK(change.command == "ssh -D 1080 host");
}

TEST_CASE("a successor gets the sockets, in order, and no other descriptor") {
  const TempDir dir;
  const std::string note = dir.path("note");
  std::uint16_t port = 0;
  std::uint16_t other_port = 0;
  const Fd first = listen_on_loopback(port);
  const Fd second = listen_on_loopback(other_port);
  fcntl(second.get(), F_SETFD, FD_CLOEXEC);
  const SocketPair other = tcp_pair();
  const auto identity = [](const Fd& fd) {
    std::string text(64, '\0');
    text.resize(static_cast<std::size_t>(
        readlink(("/proc/self/fd/" + std::to_string(fd.get())).c_str(), text.data(), text.size())));
    return text;
  };
  // So many that some of them have numbers that others get.
  std::vector<PassedSocket> sockets_to_pass = {{first.get(), "http://a"},
                                               {second.get(), "unix:/b"}};
  for (int i = 0; i < 20; ++i) sockets_to_pass.push_back({first.get(), ""});
  Change change("echo \"${CULVERT_HANDOVER%%6 0:*}\" > " + note +
                    "; for n in 4 5; do readlink /proc/$$/fd/$n; "
                    "done >> " +
                    note +
                    "; for n in /proc/$$/fd/*; do readlink $n; done | grep ^socket: "
                    "| sort >> " +
                    note + "; " + kReport,
                sockets_to_pass);
  change.until([&] { return change.ready == 1; });
  const std::string begin = std::to_string(getpid()) + " 3 4 8:http://a5 7:unix:/b\n" +
                            identity(first) + "\n" + identity(second) + "\n";
  const std::string content = content_of(note);
  REQUIRE_THAT(content, Catch::Matchers::StartsWith(begin));
  const std::string sockets = content.substr(begin.size());
  const auto times = [&](const Fd& fd) {
    const std::string line = identity(fd) + "\n";
    std::size_t count = 0;
    for (std::size_t at = 0; (at = sockets.find(line, at)) != std::string::npos; ++at) ++count;
    return count;
  };
  CHECK(times(first) == 21);
  CHECK(times(second) == 1);
  CHECK(times(other.near) == 0);
}

TEST_CASE("a successor that ends before it is ready is a failure with its status") {
  Change change("exit 2");
  change.until([&] { return !change.why.empty(); });
  CHECK(change.why == "has ended with status 2");
  CHECK(change.ready == 0);
}

TEST_CASE("a successor that is killed before it is ready is a failure with the signal") {
  Change change("kill -SEGV $$; sleep 20");
  change.until([&] { return !change.why.empty(); });
  CHECK(change.why == "was ended by signal 11");
}

TEST_CASE("a successor that closes its control socket is waited for until it ends") {
  Change change("exec 3>&-; sleep 0.1; exit 7");
  change.until([&] { return !change.why.empty(); });
  CHECK(change.why == "has ended with status 7");
}

TEST_CASE("a successor that hangs is killed") {
  Change change("exec sleep 60", {}, 200ms);
  const int pid = change.successor->pid();
  change.until([&] { return !change.why.empty(); });
  CHECK(change.why == "was not ready to serve within 200ms");
  CHECK(kill(pid, 0) == -1);  // and reaped
}

TEST_CASE("a successor that is given up is killed, ready or not") {
  const std::string begin = GENERATE(as<std::string>{}, "", kReport);
  Change change(begin + "exec sleep 60");
  const int pid = change.successor->pid();
  if (!begin.empty()) change.until([&] { return change.ready == 1; });
  change.successor.reset();
  change.until([&] { return has_ended(pid); });
  CHECK(change.why.empty());
}

TEST_CASE("a program that cannot be started is a failure with its reason") {
  const TempDir dir;
  const std::string script = dir.path("script");
  // Executable, but no program: execve(2) fails with ENOEXEC, or its interpreter is missing.
  std::ofstream(script) << "#!/no/such/interpreter\n";
  REQUIRE(chmod(script.c_str(), 0755) == 0);
  const std::size_t before = open_files();
  {
    Change change(Invocation{script, {}});
    change.until([&] { return !change.why.empty(); });
    CHECK(change.why == "cannot be started: No such file or directory");
    CHECK(change.started == 0);
  }
  CHECK(open_files() == before);
}

TEST_CASE("a launcher that is stopped is a failure, and starts nothing later") {
  const TempDir dir;
  const std::string note = dir.path("note");
  // As a culvert does once its predecessor is gone.
  Change change(
      Invocation{"/bin/sh", {"-c", kReport + std::string(kAwait) + "echo served > " + note}}, {},
      50ms, true);
  change.until([&] { return !change.why.empty(); });
  CHECK(change.why == "cannot be started: " + change.launcher->silence());
  kill(change.launcher->pid(), SIGCONT);
  // Once it has told of that one it would start another one.
  const auto starts_another = [&] {
    auto ordered = Successor::start(change.loop, *change.launcher, {}, {}, {}, {});
    return ordered.ok();
  };
  change.until(starts_another);
  change.launcher->finish();
  CHECK(access(note.c_str(), F_OK) != 0);
  CHECK(change.started == 0);
}

TEST_CASE("a successor that is ready can be nobody's child") {
  Change change(std::string(kReport) + kAwait + "exec sleep 60");
  change.until([&] { return change.ready == 1; });
  const int pid = change.successor->pid();
  change.successor->make_orphan();
  CHECK(change.successor->pid() == pid);
  CHECK(change.successor->let_go({}));
  CHECK(kill(pid, 0) == 0);
  kill(pid, SIGKILL);
}

TEST_CASE("a successor whose launcher is killed is given up") {
  Change change("exec sleep 60");
  const int pid = change.successor->pid();
  kill(change.launcher->pid(), SIGKILL);
  change.until([&] { return !change.why.empty(); });
  CHECK(change.why == "is given up, as " + change.launcher->name() + " has ended");
  change.until([&] { return has_ended(pid); });
}
