#include "net/held_child.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "net/child_environment.h"
#include "net/start_error.h"

namespace culvert {
namespace {

/// Until the other end is shut down.
std::string receive_word(int control) {
  std::string word;
  std::array<char, 256> buffer;
  for (;;) {
    const ssize_t count = recv(control, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return word;
    word.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

/// The rest of the child's life as our program.
[[noreturn]] void wait_and_execute(int control, pid_t parent, std::vector<std::string> command,
                                   const HeldChild::Environment& environment) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  // It may have died before it was asked for.
  const std::string word = getppid() == parent ? receive_word(control) : std::string();
  if (word.empty()) _exit(0);
  std::vector<std::string> variables = environment(word);
  execvpe(command[0].c_str(), pointers_to(command).data(), pointers_to(variables).data());
  const int error = errno;
  static_cast<void>(send(control, &error, sizeof error, MSG_NOSIGNAL));
  _exit(error == ENOENT ? 127 : 126);
}

}  // namespace

Result<std::unique_ptr<HeldChild>> HeldChild::fork(std::vector<std::string> command,
                                                   const Environment& environment) {
  std::array<int, 2> pair{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return start_error(errno);
  }
  const pid_t parent = getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    close(pair[0]);
    wait_and_execute(pair[1], parent, std::move(command), environment);
  }
  const int error = errno;
  close(pair[1]);
  if (pid < 0) {
    close(pair[0]);
    return start_error(error);
  }
  // Both do it, so that it is done whoever comes first.
  setpgid(pid, pid);
  return std::unique_ptr<HeldChild>(new HeldChild(pid, pair[0]));
}

HeldChild::~HeldChild() {
  close(control_);
  if (released_) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void HeldChild::release(std::string_view word) {
  released_ = true;
  // It fits into the socket's buffer.
  static_cast<void>(send(control_, word.data(), word.size(), MSG_NOSIGNAL));
  shutdown(control_, SHUT_WR);
}

int HeldChild::execution_error() const {
  int error = 0;
  const ssize_t count = recv(control_, &error, sizeof error, MSG_DONTWAIT);
  return count == sizeof error ? error : 0;
}

}  // namespace culvert
