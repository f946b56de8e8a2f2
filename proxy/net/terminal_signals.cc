#include "net/terminal_signals.h"

#include <dirent.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "net/terminal.h"

namespace culvert {
namespace {

// The member answers within microseconds, unless the system does not let it run.
constexpr int kPatienceMs = 2000;

/// Blocks all signals, as long as it exists.
class AllBlocked {
 public:
  AllBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllBlocked(const AllBlocked&) = delete;
  AllBlocked& operator=(const AllBlocked&) = delete;

 private:
  sigset_t before_;
};

/// Closes `first` and all descriptors above it.  Not up to the limit, which may be 10^9.
void close_from(int first) {
  DIR* const folder = opendir("/proc/self/fd");
  if (folder == nullptr) {
#ifdef SYS_close_range
    syscall(SYS_close_range, first, ~0U, 0);
#endif
    return;
  }
  std::vector<int> open;
  while (const dirent* const entry = readdir(folder)) {
    if (const auto fd = parse_number<int>(entry->d_name)) open.push_back(*fd);
  }
  closedir(folder);
  for (const int fd : open) {
    if (fd >= first) close(fd);
  }
}

int open_signals() {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int signal : {SIGINT, SIGQUIT, SIGHUP, SIGWINCH}) sigaddset(&watched, signal);
  return signalfd(-1, &watched, SFD_NONBLOCK);
}

/// Another process of this program, which tells its own group what its terminal sends: one that was
/// run by the command of ours.
bool is_inner_one(int pid) {
  struct stat ours {};
  struct stat its {};
  const std::string path = "/proc/" + std::to_string(pid) + "/exe";
  return pid != getppid() && stat("/proc/self/exe", &ours) == 0 && stat(path.c_str(), &its) == 0 &&
         ours.st_dev == its.st_dev && ours.st_ino == its.st_ino;
}

bool is_of_terminal(const signalfd_siginfo& info) {
  if (info.ssi_code == SI_KERNEL) return true;
  return info.ssi_code == SI_USER && is_inner_one(static_cast<int>(info.ssi_pid));
}

void report_signals(int signals, int reports) {
  signalfd_siginfo info{};
  while (read(signals, &info, sizeof info) == sizeof info) {
    if (!is_of_terminal(info)) continue;
    const auto number = static_cast<unsigned char>(info.ssi_signo);
    static_cast<void>(send(reports, &number, sizeof number, MSG_NOSIGNAL | MSG_DONTWAIT));
  }
}

/// The whole life of the member, with all signals blocked.
[[noreturn]] void live_as_member(int group, int reports) {
  setpgid(0, group);
  prctl(PR_SET_NAME, "culvert-keys");
  // Nobody waits in vain for the end of a pipe that is ours.
  dup2(reports, 0);
  reports = 0;
  close_from(1);
  const int signals = open_signals();
  std::array<pollfd, 2> polled{{{reports, POLLIN, 0}, {signals, POLLIN, 0}}};
  bool asked_to_end = signals < 0;
  while (!asked_to_end) {
    if (poll(polled.data(), polled.size(), -1) < 0) continue;
    asked_to_end = polled[0].revents != 0;
    report_signals(signals, reports);
  }
  _exit(0);
}

}  // namespace

std::unique_ptr<TerminalSignals> TerminalSignals::fork(int group) {
  if (!Terminal().exists()) return nullptr;
  std::array<int, 2> pair{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) return nullptr;
  pid_t pid = -1;
  {
    const AllBlocked blocked;
    pid = ::fork();
    if (pid == 0) live_as_member(group, pair[1]);
  }
  close(pair[1]);
  if (pid < 0) {
    close(pair[0]);
    return nullptr;
  }
  // Both do it, so that it is done whoever comes first.
  setpgid(pid, group);
  return std::unique_ptr<TerminalSignals>(new TerminalSignals(pid, pair[0]));
}

TerminalSignals::~TerminalSignals() { end_member(); }

void TerminalSignals::start(Loop& loop, Received received) {
  received_ = received;
  // If the system refuses, it is as without a terminal.
  if (reports_ >= 0 && loop.watch(reports_, *this, EPOLLIN) == 0) loop_ = &loop;
}

void TerminalSignals::on_poll(std::uint32_t) {
  if (!read_reports()) end_member();
}

/// False: there will be none any more.
bool TerminalSignals::read_reports() {
  std::array<unsigned char, 64> signals;
  for (;;) {
    const ssize_t count = recv(reports_, signals.data(), signals.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return true;
    if (count <= 0) return false;
    for (ssize_t i = 0; i < count; ++i) received_(signals[static_cast<std::size_t>(i)]);
  }
}

void TerminalSignals::finish() {
  if (reports_ < 0) return;
  kill(pid_, SIGCONT);  // it may have been stopped with its group
  shutdown(reports_, SHUT_WR);
  pollfd polled{reports_, POLLIN, 0};
  while (read_reports()) {
    const int ready = poll(&polled, 1, kPatienceMs);
    if (ready == 0 || (ready < 0 && errno != EINTR)) break;
  }
  end_member();
}

void TerminalSignals::end_member() {
  if (reports_ < 0) return;
  if (loop_ != nullptr) loop_->unwatch(reports_, *this);
  close(std::exchange(reports_, -1));
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace culvert
