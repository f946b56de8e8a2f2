#include "server/handover.h"

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/file_text.h"

namespace culvert {

namespace {

/// The small init of a container: it gives the program that it starts a process group, and ends
/// with it.
bool ends_with_its_child(std::string_view init) {
  return init == "tini" || init == "tini-static" || init == "docker-init" || init == "dumb-init" ||
         init == "catatonit" || init == "podman-init";
}

}  // namespace

ProcessPlace ProcessPlace::ours() {
  ProcessPlace out{getpid(), getppid(), getpgrp(), {}};
  const std::string name = file_text("/proc/1/comm");
  out.init = name.substr(0, name.find('\n'));
  return out;
}

std::string objection_to_handover(const ProcessPlace& place, const char* systemd_exec_pid,
                                  bool manager_is_told) {
  if (place.pid == 1 || place.parent == 0) {
    return fmt::format(
        "this is process {} of a container, which ends with it: start another container beside "
        "this one instead",
        place.pid);
  }
  if (place.parent == 1 && place.group == place.pid && ends_with_its_child(place.init)) {
    return fmt::format(
        "{} ends with the process that it has started, and the container with it: start another "
        "container beside this one instead",
        place.init);
  }
  if (!manager_is_told && systemd_exec_pid != nullptr &&
      std::to_string(place.pid) == systemd_exec_pid) {
    return "systemd ends a service with its main process, unless that names another one: write "
           "Type=notify in the unit, or use --listen systemd with a .socket unit and restart the "
           "service";
  }
  return {};
}

Handover::Handover(Loop& loop, Log& log, Launcher* launcher, bool manager_is_told,
                   Successor::Ready ready)
    : loop_(loop),
      log_(log),
      launcher_(launcher),
      manager_is_told_(manager_is_told),
      ready_(ready) {
  if (launcher_ == nullptr) return;
  launcher_->attend(loop_, Callback<void()>::to<&Handover::on_launcher_gone>(this));
}

Handover::~Handover() {
  successor_.reset();
  if (launcher_ != nullptr) launcher_->finish();
}

void Handover::begin(const std::vector<PassedSocket>& sockets) {
  if (done_ || successor_) {
    log_.write(Log::Level::warning, done_ ? "hand-over: that is done already"
                                          : "hand-over: a new process is being started already");
    return;
  }
  if (launcher_ == nullptr) {
    const std::string objection = objection_to_handover(
        ProcessPlace::ours(), std::getenv("SYSTEMD_EXEC_PID"), manager_is_told_);
    return complain(objection.empty() ? "there was no process to be had at the start that could "
                                        "start another one (ulimit -u, TasksMax=)"
                                      : objection);
  }
  if (launcher_->is_gone()) {
    return complain(launcher_->name() +
                    " has ended, and without it there is no upgrade by SIGUSR2 "
                    "until a restart");
  }
  auto started = Successor::start(loop_, *launcher_, sockets,
                                  Successor::Started::to<&Handover::on_started>(this), ready_,
                                  Successor::Failed::to<&Handover::on_failed>(this));
  if (!started) return complain("the new process " + started.error().text);
  successor_ = std::move(*started);
  asked_ = false;
}

void Handover::on_started() {
  log_.write(Log::Level::info, fmt::format("hand-over: process {} is starting", successor_->pid()));
}

/// By now this process has no right to start another (net/sandbox).
void Handover::on_launcher_gone() {
  log_.write(
      Log::Level::warning,
      fmt::format("hand-over: {}, which starts a new process on SIGUSR2, has ended: no upgrade "
                  "by SIGUSR2 until a restart",
                  launcher_->name()));
}

void Handover::answer(const TakeOverRequest& request, const std::vector<PassedSocket>& sockets) {
  const std::vector<PassedSocket> wanted = request.of(sockets);
  if (wanted.empty()) return request.refuse({});
  if (done_) return request.refuse("it has handed over to another process already");
  if (successor_) return request.refuse(name_of_successor() + " is about to serve already");
  const std::string objection = objection_to(request);
  if (!objection.empty()) {
    complain(objection);
    return request.refuse(objection);
  }
  if (!request.give(wanted)) {
    complain("the sockets cannot be passed on");
    return request.refuse("the sockets cannot be passed on");
  }
  asked_ = true;
  successor_ = Successor::attend(loop_, request.control, request.pid, ready_,
                                 Successor::Failed::to<&Handover::on_failed>(this));
  log_.write(Log::Level::info,
             fmt::format("hand-over: {} asks for {} of {} listening sockets (--take-over)",
                         name_of_successor(), wanted.size(), sockets.size()));
}

/// Why it gets nothing, a clause; empty: it may.  Of another container it outlives this one.
std::string Handover::objection_to(const TakeOverRequest& request) const {
  if (request.pid == 0) return {};
  if (manager_is_told_) {
    return "this is a service, and a process that was started by others does not belong to it: "
           "send SIGUSR2 to this one instead";
  }
  return objection_to_handover(ProcessPlace::ours(), std::getenv("SYSTEMD_EXEC_PID"), false);
}

/// A process of another container has no number here.
std::string Handover::name_of_successor() const {
  return successor_->pid() == 0 ? std::string("a process of another container")
                                : fmt::format("process {}", successor_->pid());
}

void Handover::cancel() {
  if (!done_) successor_.reset();
}

int Handover::make_orphan() {
  successor_->make_orphan();
  return successor_->pid();
}

bool Handover::let_go(const std::vector<PassedCommand>& commands) {
  done_ = true;
  log_.write(Log::Level::info,
             fmt::format("hand-over: {} serves from now on", name_of_successor()));
  return successor_->let_go(commands);
}

void Handover::on_failed(const std::string& why) {
  const std::string_view see = asked_ ? "its output" : "above";
  complain(successor_->started()
               ? fmt::format("the new process {}, see {} for its reasons", why, see)
               : "the new process " + why);
  successor_.reset();
}

void Handover::complain(const std::string& why) {
  log_.write(Log::Level::error,
             fmt::format("hand-over: nothing is changed, this process goes on serving: {}", why));
}

}  // namespace culvert
