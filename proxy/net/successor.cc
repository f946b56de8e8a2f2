#include "net/successor.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include <fmt/format.h>

#include "base/duration.h"
#include "net/start_error.h"

namespace culvert {
namespace {

constexpr int kControl = 3;  // the descriptor's number in the successor; the sockets follow
constexpr std::chrono::milliseconds kTimeToLaunch{5000};

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
      timer_(loop, Callback<void()>::to<&Successor::on_timeout>(this)) {}

Result<std::unique_ptr<Successor>> Successor::start(Loop& loop, Launcher& launcher,
                                                    const std::vector<PassedSocket>& sockets,
                                                    Started started, Ready ready, Failed failed,
                                                    std::chrono::milliseconds time_to_start) {
  std::array<int, 2> pair{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return start_error(errno);
  }
  std::vector<int> descriptors = {pair[1]};
  for (const PassedSocket& socket : sockets) descriptors.push_back(socket.fd);
  std::unique_ptr<Successor> out(new Successor(loop, &launcher, ready, failed, time_to_start));
  out->on_start_ = started;
  out->control_ = pair[0];
  const auto ordered =
      launcher.start(HandoverVariable::kName, variable_for(sockets).to_string(), descriptors, *out);
  close(pair[1]);
  if (!ordered) {
    out->close_control();
    return ordered.error();
  }
  out->timer_.start(std::min(kTimeToLaunch, time_to_start));
  return out;
}

void Successor::begin(int pid) {
  pid_ = pid;
  started_ = true;
  // A refused watch is found out by the timer.
  static_cast<void>(loop_.watch(control_, *this, EPOLLIN));
  timer_.start(time_to_start_);
}

std::unique_ptr<Successor> Successor::attend(Loop& loop, int control, int pid, Ready ready,
                                             Failed failed,
                                             std::chrono::milliseconds time_to_start) {
  std::unique_ptr<Successor> out(new Successor(loop, nullptr, ready, failed, time_to_start));
  out->control_ = control;
  out->begin(pid);
  return out;
}

Successor::~Successor() {
  if (launcher_ == nullptr) {
    give_up("it has given this one up");
    return;
  }
  if (!let_go_ && pid_ > 0) kill(pid_, SIGKILL);
  if (!started_ && control_ >= 0) launcher_->abandon(std::exchange(control_, -1));
  close_control();
  launcher_->forget_client();
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
  launcher_->forget_client();
  launcher_->finish();
}

bool Successor::let_go(const std::vector<PassedCommand>& commands) {
  if (let_go_) return false;
  let_go_ = true;
  const bool sent = send_turn(control_, commands);
  close_control();
  return sent;
}

void Successor::on_started(const Result<int>& pid) {
  if (!pid) {
    timer_.stop();
    close_control();
    return failed_(pid.error().text);
  }
  begin(*pid);
  if (on_start_) on_start_();
}

void Successor::on_ended(const Launcher::End& end) {
  if (end.pid != pid_) return;
  pid_ = 0;
  timer_.stop();
  close_control();
  if (let_go_) return;
  if (timed_out_) {
    failed_(lateness());
  } else if (end.signal != 0) {
    failed_(fmt::format("was ended by signal {}", end.signal));
  } else {
    failed_(fmt::format("has ended with status {}", end.status));
  }
}

/// Nobody would tell how it ends.
void Successor::on_launcher_gone() {
  if (!let_go_ && pid_ > 0) kill(pid_, SIGKILL);
  pid_ = 0;
  timer_.stop();
  close_control();
  if (!let_go_) failed_("is given up, as " + launcher_->name() + " has ended");
}

void Successor::on_gone() {
  timer_.stop();
  close_control();
  failed_("has ended");
}

/// Of one that we have started on_ended() follows, and the launcher has waited for it.
void Successor::on_timeout() {
  if (!started_) {
    launcher_->abandon(std::exchange(control_, -1));
    return failed_("cannot be started: " + launcher_->silence());
  }
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
  if (started_) loop_.unwatch(control_, *this);
  close(control_);
  control_ = -1;
}

}  // namespace culvert
