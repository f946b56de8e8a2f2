#include "net/launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
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
#include <span>

#include "base/text.h"
#include "net/child_environment.h"
#include "net/descriptor_piece.h"
#include "net/start_error.h"

namespace culvert {
namespace {

constexpr int kLauncherControl = 3;  // the descriptor's number in the launcher
constexpr std::size_t kLongestVariable = std::size_t{128} * 1024;

/// What the launcher tells.
struct LauncherReport {
  enum class Kind : int { started, failed, ended };
  Kind kind = Kind::failed;
  int pid = 0;
  int status = 0;  // failed: an errno
  int signal = 0;
};

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

// ---- one message, with descriptors beside it: a part of an order has `more` as its first byte

constexpr char kMore = '+';
constexpr char kLast = '=';

bool send_part(int socket, std::string& bytes, std::span<const int> descriptors) {
  DescriptorPiece piece(bytes.data(), bytes.size());
  piece.attach(descriptors);
  ssize_t sent = 0;
  while ((sent = sendmsg(socket, piece.message(), MSG_NOSIGNAL)) < 0 && errno == EINTR) {
  }
  return sent >= 0;
}

/// Its size; 0 at the end.  Descriptors are added to `descriptors`.
std::size_t receive_part(int socket, std::string& bytes, std::vector<int>& descriptors) {
  DescriptorPiece piece(bytes.data(), bytes.size());
  ssize_t size = 0;
  while ((size = recvmsg(socket, piece.message(), MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
  }
  if (size <= 0) return 0;
  piece.take_descriptors(descriptors);
  return static_cast<std::size_t>(size);
}

// ---- in the launcher

struct LaunchOrder {
  std::string assignment;
  std::vector<int> descriptors;
};

std::optional<LaunchOrder> receive_order() {
  LaunchOrder order;
  std::string bytes(kLongestVariable, '\0');
  for (;;) {
    const std::size_t size = receive_part(kLauncherControl, bytes, order.descriptors);
    if (size == 0) return std::nullopt;
    if (bytes[0] == kMore) continue;
    order.assignment = bytes.substr(1, size - 1);
    return order;
  }
}

/// As libuv starts its children: no signal is ignored or blocked.
class SpawnTerms {
 public:
  explicit SpawnTerms(std::vector<int>& descriptors) {
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setsigmask(&attributes_, &none);
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

LauncherReport carry_out(const Invocation& invocation, LaunchOrder& order) {
  const std::string file = program_file(invocation.program);
  std::vector<std::string> words = {invocation.program};
  words.insert(words.end(), invocation.arguments.begin(), invocation.arguments.end());
  const std::size_t equals = order.assignment.find('=');
  std::vector<std::string> variables =
      environment_with(order.assignment.substr(0, equals), order.assignment.substr(equals + 1));
  LauncherReport report;
  {
    const SpawnTerms terms(order.descriptors);
    report.status = posix_spawn(&report.pid, file.c_str(), terms.actions(), terms.attributes(),
                                pointers_to(words).data(), pointers_to(variables).data());
  }
  for (const int descriptor : order.descriptors) close(descriptor);
  if (report.status == 0) report.kind = LauncherReport::Kind::started;
  return report;
}

/// Waits until there is an order, or `child` has ended.
void await_event(int child, int pid_fd) {
  std::array<pollfd, 2> events{{{kLauncherControl, POLLIN, 0}, {pid_fd, POLLIN, 0}}};
  constexpr int kLookAgainMs = 50;  // where the system has no pidfd_open(2)
  poll(events.data(), events.size(), child > 0 && pid_fd < 0 ? kLookAgainMs : -1);
}

bool has_order() {
  pollfd order{kLauncherControl, POLLIN, 0};
  return poll(&order, 1, 0) > 0;
}

void tell_parent(const LauncherReport& what) {
  static_cast<void>(send(kLauncherControl, &what, sizeof what, MSG_NOSIGNAL));
}

/// What has ended, if it has.
std::optional<LauncherReport> end_of(int child, int options) {
  int status = 0;
  if (child <= 0 || waitpid(child, &status, options) != child) return std::nullopt;
  const bool signaled = WIFSIGNALED(status);
  return LauncherReport{LauncherReport::Kind::ended, child, signaled ? 0 : WEXITSTATUS(status),
                        signaled ? WTERMSIG(status) : 0};
}

[[noreturn]] void launch_until_end(const Invocation& invocation) {
  int child = 0;
  int pid_fd = -1;
  const auto forget_child = [&] {
    child = 0;
    if (pid_fd >= 0) close(pid_fd);
    pid_fd = -1;
  };
  for (;;) {
    await_event(child, pid_fd);
    if (const auto ended = end_of(child, WNOHANG)) {
      forget_child();
      tell_parent(*ended);
    }
    if (!has_order()) continue;
    auto order = receive_order();
    if (!order) _exit(0);
    end_of(child, 0);
    forget_child();
    const LauncherReport done = carry_out(invocation, *order);
    if (done.kind == LauncherReport::Kind::started) {
      child = done.pid;
      pid_fd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
    }
    tell_parent(done);
  }
}

/// It must not outlive its purpose, nor end before: signals for the whole group are not for it.
[[noreturn]] void become_launcher(int control, pid_t parent, const Invocation& invocation) {
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
  launch_until_end(invocation);
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
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return start_error(errno);
  }
  const pid_t parent = getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become_launcher(pair[1], parent, invocation);
  const int error = errno;
  close(pair[1]);
  if (pid < 0) {
    close(pair[0]);
    return start_error(error);
  }
  return std::unique_ptr<Launcher>(new Launcher(pid, pair[0]));
}

Launcher::~Launcher() { finish(); }

void Launcher::finish() {
  gone_ = true;
  if (control_ < 0) return;
  close(control_);
  control_ = -1;
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<int> Launcher::start(const std::string& variable, const std::string& value,
                            const std::vector<int>& descriptors) {
  std::span<const int> left(descriptors);
  std::string bytes(1, kMore);
  for (; left.size() > DescriptorPiece::kMost; left = left.subspan(DescriptorPiece::kMost)) {
    if (!send_part(control_, bytes, left.first(DescriptorPiece::kMost))) return start_error(errno);
  }
  bytes = kLast + variable + "=" + value;
  if (bytes.size() > kLongestVariable) return start_error(E2BIG);
  if (!send_part(control_, bytes, left)) return start_error(errno);
  LauncherReport report{LauncherReport::Kind::ended};
  do {
    const ssize_t size = recv(control_, &report, sizeof report, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size != sizeof report) return start_error(EPIPE);
  } while (report.kind == LauncherReport::Kind::ended);
  if (report.kind == LauncherReport::Kind::failed) return start_error(report.status);
  return report.pid;
}

std::optional<Launcher::End> Launcher::end() const {
  LauncherReport report;
  const ssize_t size = control_ < 0 ? 0 : recv(control_, &report, sizeof report, MSG_DONTWAIT);
  if (size == 0) gone_ = true;
  if (size != sizeof report || report.kind != LauncherReport::Kind::ended) return std::nullopt;
  return End{report.pid, report.status, report.signal};
}

}  // namespace culvert
