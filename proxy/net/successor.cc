#include "net/successor.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include <fmt/format.h>

#include "base/duration.h"
#include "net/predecessor.h"
#include "net/start_error.h"

namespace culvert {
namespace {

constexpr int kControl = 3;  // the descriptor's number in the successor; the sockets follow

HandoverVariable variable_for(const std::vector<PassedSocket>& sockets) {
  HandoverVariable out{getpid(), kControl, sockets};
  int number = kControl;
  for (PassedSocket& socket : out.sockets) socket.fd = ++number;
  return out;
}

}  // namespace

Successor::Successor(Loop& loop, Launcher* launcher, Ready ready, Failed failed,
                     std::chrono::milliseconds time_to_start)
    : loop_(loop),
      launcher_(launcher),
      ready_(ready),
      failed_(failed),
      time_to_start_(time_to_start),
      timer_(loop, Callback<void()>::to<&Successor::on_timeout>(this)),
      end_watcher_(*this) {}

Result<std::unique_ptr<Successor>> Successor::start(Loop& loop, Launcher& launcher,
                                                    const std::vector<PassedSocket>& sockets,
                                                    Ready ready, Failed failed,
                                                    std::chrono::milliseconds time_to_start) {
  std::array<int, 2> pair{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return start_error(errno);
  }
  std::vector<int> descriptors = {pair[1]};
  for (const PassedSocket& socket : sockets) descriptors.push_back(socket.fd);
  const auto started =
      launcher.start(HandoverVariable::kName, variable_for(sockets).to_string(), descriptors);
  close(pair[1]);
  if (!started) {
    close(pair[0]);
    return started.error();
  }
  std::unique_ptr<Successor> out(new Successor(loop, &launcher, ready, failed, time_to_start));
  out->begin(pair[0], *started);
  return out;
}

void Successor::begin(int control, int pid) {
  control_ = control;
  pid_ = pid;
  // A refused watch is found out by the timer.
  static_cast<void>(loop_.watch(control_, *this, EPOLLIN));
  if (launcher_ != nullptr) {
    static_cast<void>(loop_.watch(launcher_->descriptor(), end_watcher_, EPOLLIN));
  }
  timer_.start(time_to_start_);
}

std::unique_ptr<Successor> Successor::attend(Loop& loop, int control, int pid, Ready ready,
                                             Failed failed,
                                             std::chrono::milliseconds time_to_start) {
  std::unique_ptr<Successor> out(new Successor(loop, nullptr, ready, failed, time_to_start));
  out->begin(control, pid);
  return out;
}

Successor::~Successor() {
  if (launcher_ == nullptr) {
    give_up("it has given this one up");
    return;
  }
  if (!let_go_ && pid_ > 0) kill(pid_, SIGKILL);
  close_control();
  forget_launcher();
}

void Successor::on_poll(std::uint32_t) {
  std::array<char, 4096> buffer;
  const ssize_t count = recv(control_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0 && launcher_ == nullptr) return on_gone();
  if (count <= 0) return close_control();  // its end follows, and says more
  received_.append(buffer.data(), static_cast<std::size_t>(count));
  if (received_.back() != '\0') return;
  received_.pop_back();
  timer_.stop();
  loop_.unwatch(control_, *this);
  ready_(received_);
}

void Successor::make_orphan() {
  if (launcher_ == nullptr) return;
  forget_launcher();
  launcher_->finish();
}

bool Successor::let_go(const std::optional<ChildProcess::Handle>& command) {
  if (let_go_) return false;
  let_go_ = true;
  const bool sent = send_turn(control_, command);
  close_control();
  return sent;
}

void Successor::on_launcher() {
  const auto end = launcher_->end();
  if (end && end->pid == pid_) return on_exit(end->status, end->signal);
  if (!launcher_->is_gone()) return;
  // Nobody will tell how it ends.
  if (!let_go_) kill(pid_, SIGKILL);
  on_exit(0, SIGKILL);
}

void Successor::forget_launcher() {
  if (launcher_->descriptor() >= 0) loop_.unwatch(launcher_->descriptor(), end_watcher_);
}

void Successor::on_exit(int status, int signal) {
  pid_ = 0;
  forget_launcher();
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
  if (launcher_ == nullptr) {
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
