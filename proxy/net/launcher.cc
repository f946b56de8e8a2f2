#include "net/launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "base/text.h"
#include "net/child_environment.h"
#include "net/descriptor_message.h"
#include "net/signals.h"
#include "net/start_error.h"

namespace culvert {
namespace {

constexpr int kLauncherControl = 3;  // the descriptor's number in the launcher
constexpr std::size_t kLongestVariable = std::size_t{128} * 1024;
constexpr int kLastReportMs = 1000;

/// The file that this process runs, or the one that has taken its place.
std::string running_file() {
  std::array<char, 4096> path{};
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size());
  if (size <= 0) return {};
  constexpr std::string_view kDeleted = " (deleted)";
  std::string_view file(path.data(), static_cast<std::size_t>(size));
  if (file.ends_with(kDeleted)) file.remove_suffix(kDeleted.size());
  return std::string(file);
}

bool is_executable(const std::string& path) { return access(path.c_str(), X_OK) == 0; }

/// No signal is ignored, and none blocked but those that would end a culvert that has hardly begun,
/// see EarlySignals.
class SpawnTerms {
 public:
  explicit SpawnTerms(std::vector<int>& descriptors) {
    sigset_t all;
    sigfillset(&all);
    const sigset_t early = EarlySignals::held();
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setsigmask(&attributes_, &early);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_init(&actions_);
    // Out of the way of the numbers that they get.
    const int beyond = kLauncherControl + 1 + static_cast<int>(descriptors.size());
    int number = kLauncherControl;
    for (int& descriptor : descriptors) {
      const int moved = fcntl(descriptor, F_DUPFD_CLOEXEC, beyond);
      close(descriptor);
      descriptor = moved;
      posix_spawn_file_actions_adddup2(&actions_, moved, number++);
    }
  }
  ~SpawnTerms() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }
  SpawnTerms(const SpawnTerms&) = delete;
  SpawnTerms& operator=(const SpawnTerms&) = delete;

  const posix_spawnattr_t* attributes() const { return &attributes_; }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }

 private:
  posix_spawnattr_t attributes_{};
  posix_spawn_file_actions_t actions_{};
};

}  // namespace

/// What the launcher tells.
struct Launcher::Report {
  enum class Kind : int { started, failed, ended };
  Kind kind = Kind::failed;
  int pid = 0;
  int status = 0;  // failed: an errno
  int signal = 0;
};

/// What runs in the launcher.
class Launcher::Process {
 public:
  explicit Process(const Invocation& invocation) : invocation_(invocation) {}

  [[noreturn]] void run() {
    for (;;) {
      await_event();
      look_after_child(WNOHANG);
      if (!has_order()) continue;
      MessageReader order;
      receive(order);
      look_after_child(0);
      const Report done = carry_out(order);
      if (done.kind == Report::Kind::started) {
        child_ = done.pid;
        pid_fd_ = static_cast<int>(syscall(SYS_pidfd_open, child_, 0));
      }
      tell(done);
    }
  }

 private:
  /// Waits until there is an order, or the child has ended.
  void await_event() const {
    std::array<pollfd, 2> events{{{kLauncherControl, POLLIN, 0}, {pid_fd_, POLLIN, 0}}};
    constexpr int kLookAgainMs = 50;  // where the system has no pidfd_open(2)
    poll(events.data(), events.size(), child_ > 0 && pid_fd_ < 0 ? kLookAgainMs : -1);
  }

  static bool has_order() {
    pollfd order{kLauncherControl, POLLIN, 0};
    return poll(&order, 1, 0) > 0;
  }

  /// One whose sender is gone is for nobody: what it starts would serve in its place.
  static void receive(MessageReader& order) {
    MessageReader::State state = MessageReader::State::more;
    while (state == MessageReader::State::more) state = order.read_from(kLauncherControl);
    pollfd sender{kLauncherControl, 0, 0};
    if (state == MessageReader::State::gone || poll(&sender, 1, 0) > 0) _exit(0);
  }

  /// Tells how it has ended, if it has.
  void look_after_child(int options) {
    int status = 0;
    if (child_ <= 0 || waitpid(child_, &status, options) != child_) return;
    const bool signaled = WIFSIGNALED(status);
    tell({Report::Kind::ended, child_, signaled ? 0 : WEXITSTATUS(status),
          signaled ? WTERMSIG(status) : 0});
    child_ = 0;
    if (pid_fd_ >= 0) close(pid_fd_);
    pid_fd_ = -1;
  }

  Report carry_out(MessageReader& order) const {
    const std::string file = program_file(invocation_.program);
    std::vector<std::string> words = {invocation_.program};
    words.insert(words.end(), invocation_.arguments.begin(), invocation_.arguments.end());
    const std::string& assignment = order.text();
    const std::size_t equals = assignment.find('=');
    std::vector<std::string> variables =
        environment_with(assignment.substr(0, equals), assignment.substr(equals + 1));
    std::vector<int> descriptors = order.take_descriptors();
    Report report;
    {
      const SpawnTerms terms(descriptors);
      report.status = posix_spawn(&report.pid, file.c_str(), terms.actions(), terms.attributes(),
                                  pointers_to(words).data(), pointers_to(variables).data());
    }
    for (const int descriptor : descriptors) close(descriptor);
    if (report.status == 0) report.kind = Report::Kind::started;
    return report;
  }

  static void tell(const Report& what) {
    static_cast<void>(send(kLauncherControl, &what, sizeof what, MSG_NOSIGNAL));
  }

  const Invocation& invocation_;
  int child_ = 0;
  int pid_fd_ = -1;
};

namespace {

/// It must not outlive its purpose, nor end before: signals for the whole group are not for it.
void prepare_launcher(int control, pid_t parent) {
  for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE}) {
    std::signal(signal, SIG_IGN);
  }
  prctl(PR_SET_NAME, "culvert-launch");
  dup2(control, kLauncherControl);
  fcntl(kLauncherControl, F_SETFD, FD_CLOEXEC);
  closefrom(kLauncherControl + 1);
  constexpr const char* kOfWatchdog = "WATCHDOG_PID";
  const char* const watched = std::getenv(kOfWatchdog);
  if (watched != nullptr && std::to_string(parent) == watched) unsetenv(kOfWatchdog);
}

}  // namespace

Invocation Invocation::of(int argc, const char* const* argv) {
  Invocation out;
  if (argc > 0) out = {argv[0], {argv + 1, argv + argc}};
  return out;
}

std::string program_file(const std::string& program) {
  if (program.find('/') != std::string::npos) {
    return is_executable(program) ? program : running_file();
  }
  const char* path = std::getenv("PATH");
  for (const std::string_view folder : split(path != nullptr ? path : "", ':')) {
    std::string file = std::string(folder) + "/" + program;
    if (!folder.empty() && !program.empty() && is_executable(file)) return file;
  }
  return running_file();
}

Result<std::unique_ptr<Launcher>> Launcher::fork(const Invocation& invocation) {
  std::array<int, 2> pair{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return start_error(errno);
  }
  const pid_t parent = getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    prepare_launcher(pair[1], parent);
    Process(invocation).run();
  }
  const int error = errno;
  close(pair[1]);
  if (pid < 0) {
    close(pair[0]);
    return start_error(error);
  }
  // It may be stopped.
  fcntl(pair[0], F_SETFL, O_NONBLOCK);
  return std::unique_ptr<Launcher>(new Launcher(pid, pair[0]));
}

Launcher::~Launcher() { finish(); }

void Launcher::attend(Loop& loop, Callback<void()> gone) {
  if (is_gone()) return;
  loop_ = &loop;
  gone_ = gone;
  // If the system refuses, nothing that it is to start is ever heard of.
  static_cast<void>(loop.watch(control_, *this, EPOLLIN));
}

void Launcher::finish() {
  if (is_gone()) return;
  if (loop_ != nullptr) loop_->unwatch(control_, *this);
  client_ = nullptr;
  // What it is starting would serve in our place.
  pollfd told{control_, POLLIN, 0};
  Report report;
  while (starting_ && poll(&told, 1, kLastReportMs) > 0 &&
         recv(control_, &report, sizeof report, 0) == sizeof report) {
    on_report(report);
  }
  close(std::exchange(control_, -1));
  if (kept_ >= 0) close(std::exchange(kept_, -1));
  // It would end without that, but not while it is stopped.
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<void> Launcher::start(const std::string& variable, const std::string& value,
                             const std::vector<int>& descriptors, Client& client) {
  if (is_gone()) return start_error(name() + " has ended");
  if (starting_) return start_error(silence());
  const std::string assignment = variable + "=" + value;
  if (assignment.size() >= kLongestVariable) return start_error(E2BIG);
  if (!send_message(control_, assignment, descriptors)) {
    // One that has a part of it cannot be told anything else.
    const int error = errno;
    on_gone();
    return start_error(error);
  }
  starting_ = true;
  client_ = &client;
  return {};
}

void Launcher::abandon(int control) {
  client_ = nullptr;
  if (is_gone() || !starting_) {
    close(control);
  } else {
    kept_ = control;
  }
}

std::string Launcher::name() const {
  return "process " + std::to_string(pid_) + " (culvert-launch)";
}

std::string Launcher::silence() const { return name() + " does not answer - is it stopped?"; }

void Launcher::on_poll(std::uint32_t) {
  while (!is_gone()) {
    Report report;
    const ssize_t size = recv(control_, &report, sizeof report, MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return;
    if (size != sizeof report) return on_gone();
    on_report(report);
  }
}

void Launcher::on_report(const Report& report) {
  if (report.kind == Report::Kind::ended) {
    if (client_ != nullptr) client_->on_ended({report.pid, report.status, report.signal});
    return;
  }
  starting_ = false;
  const bool failed = report.kind == Report::Kind::failed;
  if (client_ != nullptr) {
    return client_->on_started(failed ? Result<int>(start_error(report.status))
                                      : Result<int>(report.pid));
  }
  if (!failed) kill(report.pid, SIGKILL);
  if (kept_ >= 0) close(std::exchange(kept_, -1));
}

void Launcher::on_gone() {
  Client* const client = client_;
  finish();
  if (client != nullptr) client->on_launcher_gone();
  if (gone_) gone_();
}

}  // namespace culvert
