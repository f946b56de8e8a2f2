#include "net/successor.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>

#include <fmt/format.h>
#include <uv.h>

#include "base/duration.h"
#include "base/text.h"
#include "net/child_environment.h"
#include "net/predecessor.h"

namespace culvert {
namespace {

constexpr int kControl = 3;  // the descriptor's number in the successor; the sockets follow

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

uv_stdio_container_t inherited(int fd) {
  uv_stdio_container_t out{};
  out.flags = UV_INHERIT_FD;
  out.data.fd = fd;
  return out;
}

/// What the successor has open: standard streams, its end of the pair, the sockets, in this order.
std::vector<uv_stdio_container_t> descriptors(int control,
                                              const std::vector<PassedSocket>& sockets) {
  std::vector<uv_stdio_container_t> out;
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, control}) {
    out.push_back(inherited(fd));
  }
  for (const PassedSocket& socket : sockets) out.push_back(inherited(socket.fd));
  return out;
}

HandoverVariable variable_for(const std::vector<PassedSocket>& sockets) {
  HandoverVariable out{getpid(), kControl, sockets};
  int number = kControl;
  for (PassedSocket& socket : out.sockets) socket.fd = ++number;
  return out;
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

struct Successor::Process {
  uv_process_t uv{};
  Successor* owner;
};

Successor::Successor(Loop& loop, Ready ready, Failed failed,
                     std::chrono::milliseconds time_to_start)
    : loop_(loop),
      ready_(ready),
      failed_(failed),
      time_to_start_(time_to_start),
      timer_(loop, Callback<void()>::to<&Successor::on_timeout>(this)) {}

Result<std::unique_ptr<Successor>> Successor::start(Loop& loop, const Invocation& invocation,
                                                    const std::vector<PassedSocket>& sockets,
                                                    Ready ready, Failed failed,
                                                    std::chrono::milliseconds time_to_start) {
  const auto failure = [](int error) {
    return Error{Errc::proxy_internal_error, Side::local, error,
                 "cannot be started: " + std::generic_category().message(error)};
  };
  std::array<int, 2> pair{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) return failure(errno);
  const std::string file = program_file(invocation.program);
  std::vector<std::string> strings = {invocation.program};
  strings.insert(strings.end(), invocation.arguments.begin(), invocation.arguments.end());
  std::vector<std::string> variables =
      environment_with(HandoverVariable::kName, variable_for(sockets).to_string());
  std::vector<char*> arguments = pointers_to(strings);
  std::vector<char*> environment = pointers_to(variables);
  std::vector<uv_stdio_container_t> stdio = descriptors(pair[1], sockets);
  uv_process_options_t options{};
  options.file = file.c_str();
  options.args = arguments.data();
  options.env = environment.data();
  options.stdio_count = static_cast<int>(stdio.size());
  options.stdio = stdio.data();
  options.exit_cb = [](uv_process_t* uv, std::int64_t status, int signal) {
    auto* process = static_cast<Process*>(uv->data);
    if (process->owner != nullptr) process->owner->on_exit(static_cast<int>(status), signal);
  };
  std::unique_ptr<Successor> out(new Successor(loop, ready, failed, time_to_start));
  out->process_ = new Process{{}, out.get()};
  out->process_->uv.data = out->process_;
  out->control_ = pair[0];
  const int failed_to_start = uv_spawn(loop.uv(), &out->process_->uv, &options);
  close(pair[1]);
  if (failed_to_start != 0) return failure(-failed_to_start);
  out->pid_ = out->process_->uv.pid;
  // A refused watch is found out by the timer.
  static_cast<void>(loop.watch(out->control_, *out, EPOLLIN));
  out->timer_.start(time_to_start);
  return out;
}

std::unique_ptr<Successor> Successor::attend(Loop& loop, int control, int pid, Ready ready,
                                             Failed failed,
                                             std::chrono::milliseconds time_to_start) {
  std::unique_ptr<Successor> out(new Successor(loop, ready, failed, time_to_start));
  out->control_ = control;
  out->pid_ = pid;
  // A refused watch is found out by the timer.
  static_cast<void>(loop.watch(control, *out, EPOLLIN));
  out->timer_.start(time_to_start);
  return out;
}

Successor::~Successor() {
  if (process_ == nullptr) {
    give_up("it has given this one up");
    return;
  }
  if (!let_go_ && pid_ > 0) kill(pid_, SIGKILL);
  close_control();
  process_->owner = nullptr;
  loop_.uv();  // requests the turn in which the handle is closed
  uv_close(reinterpret_cast<uv_handle_t*>(&process_->uv),
           [](uv_handle_t* uv) { delete static_cast<Process*>(uv->data); });
}

void Successor::on_poll(std::uint32_t) {
  std::array<char, 4096> buffer;
  const ssize_t count = recv(control_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0 && process_ == nullptr) return on_gone();
  if (count <= 0) return close_control();  // its end follows, and says more
  received_.append(buffer.data(), static_cast<std::size_t>(count));
  if (received_.back() != '\0') return;
  received_.pop_back();
  timer_.stop();
  loop_.unwatch(control_, *this);
  ready_(received_);
}

bool Successor::let_go(const std::optional<ChildProcess::Handle>& command) {
  if (let_go_) return false;
  let_go_ = true;
  const bool sent = send_turn(control_, command);
  close_control();
  return sent;
}

void Successor::on_exit(int status, int signal) {
  pid_ = 0;
  timer_.stop();
  close_control();
  if (let_go_) return;
  if (timed_out_) {
    failed_(lateness());
  } else if (signal != 0) {
    failed_(fmt::format("was ended by signal {}", signal));
  } else {
    failed_(fmt::format("has ended with status {}", status));
  }
}

void Successor::on_gone() {
  timer_.stop();
  close_control();
  failed_("has ended");
}

/// on_exit() follows, which leaves no zombie.
void Successor::on_timeout() {
  timed_out_ = true;
  if (process_ == nullptr) {
    give_up("this process " + lateness());
    return failed_(lateness());
  }
  close_control();
  kill(pid_, SIGKILL);
}

std::string Successor::lateness() const {
  return fmt::format("was not ready to serve within {}", format_duration(time_to_start_));
}

/// One that we have not started.
void Successor::give_up(const std::string& why) {
  if (control_ >= 0 && !let_go_) send_no_turn(control_, why);
  close_control();
}

void Successor::close_control() {
  if (control_ < 0) return;
  loop_.unwatch(control_, *this);
  close(control_);
  control_ = -1;
}

}  // namespace culvert
