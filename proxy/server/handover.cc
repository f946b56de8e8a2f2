#include "server/handover.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace culvert {

std::string objection_to_handover(int pid, const char* systemd_exec_pid) {
  if (pid == 1) {
    return "this is process 1 of a container, which ends with it: start another container beside "
           "this one instead";
  }
  if (systemd_exec_pid != nullptr && std::to_string(pid) == systemd_exec_pid) {
    return "systemd ends a service with its main process: use --listen systemd with a .socket "
           "unit, "
           "and restart the service";
  }
  return {};
}

Handover::Handover(Loop& loop, Log& log, Invocation invocation, Successor::Ready ready)
    : loop_(loop), log_(log), invocation_(std::move(invocation)), ready_(ready) {}

void Handover::begin(const std::vector<PassedSocket>& sockets) {
  if (done_ || successor_) {
    log_.write(Log::Level::warning, done_ ? "hand-over: that is done already"
                                          : "hand-over: a new process is being started already");
    return;
  }
  const std::string objection = objection_to_handover(getpid(), std::getenv("SYSTEMD_EXEC_PID"));
  if (!objection.empty()) return complain(objection);
  auto started = Successor::start(loop_, invocation_, sockets, ready_,
                                  Successor::Failed::to<&Handover::on_failed>(this));
  if (!started) return complain("the new process " + started.error().text);
  successor_ = std::move(*started);
  log_.write(Log::Level::info, fmt::format("hand-over: process {} is starting", successor_->pid()));
}

void Handover::cancel() {
  if (!done_) successor_.reset();
}

bool Handover::let_go(const std::optional<ChildProcess::Handle>& command) {
  done_ = true;
  log_.write(Log::Level::info,
             fmt::format("hand-over: process {} serves from now on", successor_->pid()));
  return successor_->let_go(command);
}

void Handover::on_failed(const std::string& why) {
  complain("the new process " + why + ", see above for its reasons");
  successor_.reset();
}

void Handover::complain(const std::string& why) {
  log_.write(Log::Level::error,
             fmt::format("hand-over: nothing is changed, this process goes on serving: {}", why));
}

}  // namespace culvert
