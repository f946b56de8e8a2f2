#include "commands/run.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "admin/admin_server.h"
#include "base/duration.h"
#include "base/fatal.h"
#include "base/text.h"
#include "commands/find_program.h"
#include "commands/proxy_environment.h"
#include "commands/proxy_start.h"
#include "commands/service_variables.h"
#include "commands/standard_streams.h"
#include "config/listen_url.h"
#include "host/local_clients.h"
#include "host/process_list.h"
#include "net/foreground_child.h"
#include "net/orphans.h"
#include "net/terminal_signals.h"
#include "net/timer.h"
#include "server/server.h"
#include "server/upstream_wait.h"

namespace culvert {
namespace {

// As env(1), nohup(1) and docker have them.
constexpr int kCannotStart = 125;
constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;
constexpr int kSignalBase = 128;

constexpr std::chrono::milliseconds kDrainTick{50};

/// Says why `program` was not executed; returns the exit status for that.
int report_not_executed(const std::string& program, int error) {
  if (error == ENOENT) {
    complain(program.empty() ? "the command is an empty word: not found" : program + ": not found");
    return kNotFound;
  }
  complain(program + ": " + std::generic_category().message(error));
  return kNotExecutable;
}

/// Where a program on this machine finds the proxy, at once.  Empty: at no address that a proxy
/// variable can name, or that is here.
std::string url_for_clients(const Listeners& listeners) {
  const auto& awaited = listeners.awaited();
  for (const HostPort& address : listeners.addresses()) {
    if (std::find(awaited.begin(), awaited.end(), address) != awaited.end()) continue;
    const auto& urls = listeners.urls();
    const bool tls = std::find(urls.begin(), urls.end(),
                               concat({kHttpsScheme, address.to_string()})) != urls.end();
    HostPort at = address;
    if (at.ip->is_unspecified()) {
      at.host = at.ip->is_v4() ? "127.0.0.1" : "::1";
      at.ip = IpAddress::parse(at.host);
    }
    return concat({tls ? kHttpsScheme : kHttpScheme, at.to_string()});
  }
  return {};
}

/// Whether clients are on this machine alone, and at addresses.
bool clients_are_local(const Listeners& listeners) {
  const auto& addresses = listeners.addresses();
  return listeners.urls().size() == addresses.size() &&
         std::all_of(addresses.begin(), addresses.end(),
                     [](const HostPort& address) { return address.ip->is_loopback(); });
}

/// What was forked while there was one thread.
struct Forked {
  std::unique_ptr<HeldChild> child;
  std::unique_ptr<TerminalSignals> terminal_signals;  ///< of its group; nullptr: no terminal

  std::vector<int> pids() const {
    std::vector<int> out = {child->pid()};
    if (terminal_signals) out.push_back(terminal_signals->pid());
    return out;
  }
};

/// The sockets that systemd passes are the command's.
Result<std::unique_ptr<HeldChild>> fork_child(const std::vector<std::string>& command,
                                              const Inheritance& inheritance) {
  const int own_pid = getpid();
  auto child = HeldChild::fork(
      command, [before = own_environment(), &inheritance, own_pid](const std::string& url) {
        for (const PassedSocket& socket : inheritance.sockets) fcntl(socket.fd, F_SETFD, 0);
        return service_variables(proxy_environment(before, url).variables, inheritance.sockets,
                                 own_pid, getpid());
      });
  for (const PassedSocket& socket : inheritance.sockets) close(socket.fd);
  return child;
}

Inheritance own_inheritance() {
  Inheritance out;
  out.none_from_systemd = "culvert run leaves its sockets to the command";
  return out;
}

/// The command beside a server: from the moment when that can serve to the command's end, which is
/// the server's.
class Run {
 public:
  Run(Server& server, const RunOptions& options, Forked forked, std::string url)
      : server_(server),
        options_(options),
        url_(std::move(url)),
        pids_(forked.pids()),
        orphans_(server.loop(), pids_),
        child_(server.loop(), std::move(forked.child), std::move(forked.terminal_signals),
               ForegroundChild::Ended::to<&Run::on_ended>(this),
               ForegroundChild::AskedToEnd::to<&Run::on_asked_to_end>(this)),
        wait_(std::in_place, server.loop(), options.config, server.upstreams(),
              UpstreamWait::Done::to<&Run::on_upstream>(this),
              UpstreamWait::Slow::to<&Run::on_slow_upstream>(this)),
        drain_timer_(server.loop(), Callback<void()>::to<&Run::on_drain_tick>(this)) {}

  void begin() { wait_->start(); }
  /// For our exit.
  int status() const { return status_; }
  /// A signal that would have ended us, too, as that of a key; 0: none.
  int ending_signal() const { return ending_signal_; }

 private:
  const std::string& program() const { return options_.command.front(); }

  void on_slow_upstream() {
    complain("waiting for the upstream before " + program() + " is started: " + problem());
  }
  std::string problem() const {
    return wait_->problem().empty() ? "no answer yet" : wait_->problem();
  }

  void on_upstream(bool works) {
    if (!works) {
      complain("no upstream works after " + format_duration(options_.config.connect_timeout) +
               " (" + problem() + "); " + program() + " is started all the same");
    }
    wait_.reset();
    child_.start(url_);
  }

  /// The command is gone, and perhaps all that it has begun: then an upstream that does not end its
  /// side of a tunnel keeps nobody waiting.
  void on_drain_tick() {
    if (!has_local_clients(server_.listeners().addresses())) server_.end_without_clients();
    drain_timer_.start(kDrainTick);
  }

  void on_ended(const ForegroundChild::End& end) {
    for (const int pid : pids_) orphans_.forget(pid);
    if (end.by_key) ending_signal_ = end.signal;
    status_ = end.signal != 0 ? kSignalBase + end.signal : end.status;
    if (end.execution_error != 0) status_ = report_not_executed(program(), end.execution_error);
    server_.end();
    if (clients_are_local(server_.listeners())) drain_timer_.start(kDrainTick);
  }

  /// While the upstream is awaited, or while the last tunnels drain.
  void on_asked_to_end(int signal) {
    if (wait_) status_ = kSignalBase + signal;
    if (signal == SIGINT || signal == SIGQUIT) ending_signal_ = signal;
    wait_.reset();
    server_.end();
  }

  Server& server_;
  const RunOptions& options_;
  std::string url_;
  std::vector<int> pids_;  // ended and waited for, when the command has ended
  Orphans orphans_;
  ForegroundChild child_;
  std::optional<UpstreamWait> wait_;
  Timer drain_timer_;
  int status_ = 0;
  int ending_signal_ = 0;
};

/// A shell goes by how we end: only then Ctrl-C ends its own loop, too.  Returns if there is none.
void end_by_signal(int signal) {
  if (getsid(0) == getpid()) return;
  prctl(PR_SET_DUMPABLE, 0);  // we have nothing to tell by a core, and passwords in memory
  std::signal(signal, SIG_DFL);
  raise(signal);
}

int serve_and_run(const RunOptions& options, Forked forked, std::unique_ptr<Ruleset> ruleset,
                  AccessOutput access, Listeners listeners) {
  std::vector<std::string> problems;
  const auto server = Server::start(
      std::move(ruleset), std::make_unique<Shared>(make_pseudonym(), std::move(access)),
      Server::Reload(), std::move(listeners), Server::Around(), problems);
  for (const std::string& problem : problems) complain(problem);
  if (!server) return kCannotStart;
  std::string url = url_for_clients(server->listeners());
  if (url.empty()) {
    const bool absent = !server->listeners().awaited().empty();
    complain(absent ? "--listen: no interface of this host has that address yet, and the command "
                      "needs one at once: give another, too, as in 127.0.0.1:0"
                    : "--listen: a program's proxy variables cannot name a unix socket: give an "
                      "address, as in 127.0.0.1:0");
    return kCannotStart;
  }
  if (const std::string remark = proxy_environment(own_environment(), url).remark;
      !remark.empty()) {
    complain(remark);
  }
  for (const auto* warnings : {&server->listeners().warnings(), &options.config.warnings}) {
    for (const std::string& warning : *warnings) {
      server->log().write(Log::Level::warning, warning);
    }
  }
  AdminServer admin(*server, make_runtime_socket(server->log()));
  int status = 0;
  int ending_signal = 0;
  {
    Run run(*server, options, std::move(forked), std::move(url));
    Predecessor none(-1);
    if (const std::string why = server->run(none,
                                            [&] {
                                              admin.begin();
                                              run.begin();
                                            });
        !why.empty()) {
      complain(why);
      return kCannotStart;
    }
    admin.end();
    status = run.status();
    ending_signal = run.ending_signal();
  }
  server->loop().turn(0);  // in which libuv lets go of the watchers of signals
  server->log().flush();
  if (ending_signal != 0) end_by_signal(ending_signal);
  // A look-up that hangs in its thread must not meet what ends with the process.
  if (server->busy()) std::_Exit(status);
  return status;
}

}  // namespace

int run(const RunOptions& options, const Inheritance& inheritance) {
  fatal_status = kCannotStart;
  const Config& config = options.config;
  const std::string& program = options.command.front();
  if (const int error = error_of_program(program)) return report_not_executed(program, error);
  // They are forked first: the child has what we were given, not what we make of it.
  auto child = fork_child(options.command, inheritance);
  if (!child) {
    complain(program + " " + child.error().text);
    return kCannotStart;
  }
  Forked forked{std::move(*child), nullptr};
  forked.terminal_signals = TerminalSignals::fork(forked.child->pid());
  ignore_signals_of_writing();
  if (const std::string problem = file_limit_problem(config); !problem.empty()) {
    complain(problem);
    return kCannotStart;
  }
  std::vector<std::string> problems;
  std::unique_ptr<Ruleset> ruleset = make_ruleset(config, problems);
  AccessOutput access = open_access_log(config, ReadWhen::starting, problems);
  Listeners listeners(config.threads);
  listeners.take(config, own_inheritance(), problems);
  for (const std::string& problem : problems) complain(problem);
  if (!problems.empty()) return kCannotStart;
  return serve_and_run(options, std::move(forked), std::move(ruleset), std::move(access),
                       std::move(listeners));
}

}  // namespace culvert
