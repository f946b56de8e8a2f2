#include "server/server.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "config/bound_listeners.h"
#include "config/listen_url.h"
#include "server/server_text.h"

namespace culvert {

std::unique_ptr<Server> Server::start(std::unique_ptr<Ruleset> ruleset,
                                      std::unique_ptr<Shared> shared, Reload reload,
                                      Listeners listeners, const Around& around,
                                      std::vector<std::string>& problems) {
  std::unique_ptr<Server> server(
      new Server(std::move(shared), std::move(reload), std::move(listeners), around));
  const std::size_t before = problems.size();
  server->listeners_.bind(ruleset->config, problems);
  if (problems.size() == before) server->choose_ports(ruleset->config, problems);
  if (problems.size() != before) return nullptr;
  ruleset->listeners = server->listeners_.addresses();
  server->ruleset_ = std::move(ruleset);
  server->make_workers();
  return server;
}

Server::~Server() = default;

/// Of those upstreams that are at tunnels.
void Server::choose_ports(Config& config, std::vector<std::string>& problems) {
  if (tunnel_ports_.give_to(config)) return;
  problems.emplace_back("--tunnel-command: no port of 127.0.0.1 is free");
}

void Server::make_workers() {
  const std::size_t count = ruleset_->config.threads;
  for (std::size_t i = 0; i < count; ++i) {
    workers_.push_back(std::make_unique<Worker>(
        *shared_, ruleset_, i, count, listeners_.take_of_worker(i), [this, i] {
          if (i == 0) return on_worker_drained();
          workers_[0]->loop().post([this] { on_worker_drained(); });
        }));
  }
  for (ListenSocket& socket : listeners_.take_of_all()) open_for_all(std::move(socket));
  order_trace();
}

/// Of `--trace-target`, from now on; sessions that are traced already go on so.
void Server::order_trace() {
  if (trace_) shared_->traces.remove(*trace_);
  trace_.reset();
  const Config& config = ruleset_->config;
  if (config.trace_targets.empty()) return;
  trace_ =
      std::make_shared<TraceOrder>(config.trace_targets, config.trace_sessions, trace_to_log());
  shared_->traces.add(trace_);
}

/// The first worker accepts, as its thread is the one that begins to drain: see drain().
void Server::open_for_all(ListenSocket socket) {
  std::vector<Entrance*> entrances;
  for (const auto& worker : workers_) {
    entrances.push_back(&worker->add_entrance(socket.index()));
  }
  entrances[0]->open(std::move(socket), entrances);
}

/// All of them; or none, and why.
std::string Server::start_threads(Predecessor& predecessor) {
  for (std::size_t i = 1; i < workers_.size(); ++i) {
    auto thread = Thread::start([this, worker = workers_[i].get()] {
      threads_may_.wait(Threads::wait);
      if (threads_may_ == Threads::run) worker->loop().run();
    });
    if (!thread) {
      const std::string cause = std::generic_category().message(errno);
      tell_threads(Threads::end);
      return fmt::format(
          "cannot start with --threads {}: {} - see the limits of processes and "
          "memory (ulimit -a)",
          workers_.size(), cause);
    }
    threads_.push_back(*thread);
  }
  const Config& config = ruleset_->config;
  passed_tunnels_ = predecessor.await_turn(
      TunnelCommands::identity(config.tunnel_command.reveal(), config.tunnels));
  if (!predecessor.given_up().empty()) {
    tell_threads(Threads::end);
    return "the running culvert goes on serving: " + predecessor.given_up();
  }
  take_over_ports();
  for (const auto& worker : workers_) worker->take_over();
  tell_threads(Threads::run);
  return {};
}

/// Those of the tunnels that go on running.  Before there are threads and clients.
void Server::take_over_ports() {
  std::vector<std::uint16_t> ports;
  for (const PassedCommand& command : passed_tunnels_) ports.push_back(command.port);
  if (ports.empty() || ports[0] == 0) return;
  tunnel_ports_.take_over(std::move(ports));
  Config config = ruleset_->config;
  tunnel_ports_.give_to(config);
  ruleset_ = ruleset_->with(std::move(config));
  for (const auto& worker : workers_) worker->adopt(ruleset_);
}

void Server::begin_tunnels() {
  const Config& config = ruleset_->config;
  if (config.tunnel_command.empty()) return;
  tunnels_ = std::make_unique<TunnelCommands>(loop(), log(), config, tunnel_ports_);
  tunnel_use_.emplace(workers_, TunnelUse::Found::to<&Server::on_tunnels_used>(this));
  tunnels_->set_count(config.tunnels, passed_tunnels_);
}

/// Those that are not wanted any more end with the last session through them.
void Server::on_tunnels_used(TunnelSet used) {
  tunnels_->end_leaving(used);
  if (tunnels_->leaving() == 0) tunnel_use_->stop();
}

/// Those that are to end have ended then.
void Server::tell_threads(Threads what) {
  threads_may_ = what;
  threads_may_.notify_all();
  if (what != Threads::end) return;
  for (Thread& thread : threads_) thread.join();
}

std::string Server::run(Predecessor& predecessor, const std::function<void()>& begun) {
  running_ = workers_.size();
  const bool manager_is_told = around_.notice != nullptr && around_.notice->wanted();
  handover_.emplace(loop(), log(), around_.launcher, manager_is_told,
                    Successor::Ready::to<&Server::on_successor_ready>(this));
  if (!ruleset_->config.tunnel_command.empty()) Loop::expect_children();
  held_signals_.reset();
  if (std::string why = start_threads(predecessor); !why.empty()) return why;
  open_take_over();
  begun();
  begin_reports();
  begin_tunnels();
  loop().run();
  if (tunnel_use_) tunnel_use_->stop();
  tunnels_.reset();
  reporter_.reset();
  close_take_over();
  handover_.reset();
  for (std::size_t i = 1; i < workers_.size(); ++i) {
    workers_[i]->loop().post([worker = workers_[i].get()] { worker->loop().stop(); });
  }
  for (Thread& thread : threads_) thread.join();
  return {};
}

void Server::open_take_over() {
  if (!place_) return;
  place_->open();
  take_overs_ = std::make_unique<TakeOverRequests>(
      loop(), place_->fd(), TakeOverRequests::Asked::to<&Server::on_take_over_asked>(this));
}

/// Who asks now finds nobody, or the one that has taken our place.
void Server::close_take_over() {
  take_overs_.reset();
  place_.reset();
}

void Server::on_take_over_asked(const TakeOverRequest& request) {
  handover_->answer(request, listeners_.to_pass_on());
}

void Server::begin_reports() {
  if (around_.notice == nullptr || !around_.notice->wanted()) return;
  std::vector<ServiceReporter::Member> members;
  for (const auto& worker : workers_) {
    members.push_back({worker->loop(), [one = worker.get()] { return one->tunnels(); }});
  }
  reporter_.emplace(loop(), log(), *around_.notice, std::move(members),
                    [this](std::size_t tunnels) { return status_text(tunnels); });
  reporter_->begin();
}

std::string Server::status_text(std::size_t tunnels) const {
  std::string text = "serving on";
  std::string_view separator = " ";
  for (const std::string& url : listeners_.urls()) {
    text.append(separator).append(url);
    separator = ", ";
  }
  text += fmt::format(", {} tunnel{}", tunnels, tunnels == 1 ? "" : "s");
  const auto now = workers_[0]->loop().now();
  for (std::size_t i = 0; i < ruleset_->shared.size(); ++i) {
    const UpstreamHealth& health = *ruleset_->shared[i].health;
    const auto down = std::chrono::floor<std::chrono::minutes>(health.down_for(now)).count();
    const std::string& name = ruleset_->config.upstreams[i].name;
    if (health.down_for(now).count() > 0) {
      text += fmt::format(", upstream {} down{}", name,
                          down > 0 ? fmt::format(" {} min", down) : std::string());
    } else if (health.view(now).probe_failed) {
      text += fmt::format(", upstream {} fails its probe", name);
    }
  }
  return text;
}

void Server::end() {
  if (draining_) {
    if (tunnels_ && running_ == 0) tunnels_->kill();
    return each_worker([](Worker& worker) { worker.abort_all(); });
  }
  draining_ = true;
  close_take_over();
  handover_->cancel();
  const auto& limit = ruleset_->config.drain_timeout;
  log().write(Log::Level::info, draining_text(shared_->connections.load(), limit));
  if (reporter_) {
    reporter_->draining(limit, [this] {
      const std::size_t left = shared_->connections.load();
      return fmt::format("draining, {} connection{} to finish", left, left == 1 ? "" : "s");
    });
  }
  drain(listeners_.outlive_us() ? Drain::restart : Drain::last);
}

void Server::end_without_clients() {
  each_worker([](Worker& worker) { worker.end_without_clients(); });
}

void Server::hand_over() {
  if (!draining_) handover_->begin(listeners_.to_pass_on());
}

/// The tunnels of both processes go through the same commands, so they are not ended with this one.
void Server::on_successor_ready(const std::string& tunnel_command) {
  const int successor = handover_->make_orphan();
  if (reporter_) reporter_->handed_over(successor);
  std::vector<PassedCommand> passed;
  if (tunnels_ && tunnels_->identity() == tunnel_command) passed = tunnels_->to_pass_on();
  const bool runs = std::any_of(passed.begin(), passed.end(),
                                [](const PassedCommand& one) { return one.running.has_value(); });
  if ((handover_->let_go(passed) || !runs) && !passed.empty()) tunnels_->release();
  for (const PassedCommand& one : passed) {
    if (one.running) close(one.running->pid_fd);
  }
  close_take_over();
  log().write(Log::Level::info,
              fmt::format("handed over: no new connections, {} to finish, however long they take "
                          "(SIGTERM: within --drain-timeout)",
                          shared_->connections.load()));
  drain(Drain::handed_over);
}

void Server::drain(Drain how) {
  // The first worker deals the connections of shared sockets to the others.  It drains first, here
  // in its thread: so whatever it has dealt reaches a worker before the drain does, and nothing
  // does later.
  if (watcher_ != nullptr) watcher_->on_draining(how == Drain::handed_over);
  workers_[0]->drain(how);
  each_worker([how](Worker& worker) { worker.drain(how); });
}

void Server::reload() {
  if (draining_) return;
  if (handover_->done()) {
    log().write(Log::Level::warning, "reload: nothing is changed, as the new process serves");
    return;
  }
  if (reporter_) reporter_->reloading();
  std::unique_ptr<Ruleset> fresh = read_again();
  const bool changed = fresh != nullptr;
  if (fresh) adopt(std::move(fresh));
  if (reporter_) reporter_->reloaded(changed);
}

/// nullptr if nothing is to change, which the log explains.
std::unique_ptr<Ruleset> Server::read_again() {
  std::vector<std::string> problems;
  std::unique_ptr<Ruleset> fresh = reload_(problems);
  if (fresh) {
    fresh->listeners = listeners_.addresses();
    find_unknown_ports(fresh->config, problems);
    if (problems.empty()) choose_ports(fresh->config, problems);
    find_loops(*fresh, problems);
    if (!problems.empty()) fresh.reset();
  }
  if (fresh && ruleset_->config.upstream_given && !fresh->config.upstream_given) {
    // A file that is just being written, or a mistake; in any case too drastic to assume.
    problems.emplace_back("no --upstream is left; to connect directly from now on say direct://");
    fresh.reset();
  }
  if (!fresh) {
    for (const std::string& problem : problems) {
      log().write(Log::Level::error, "reload: " + problem);
    }
    log().write(Log::Level::error, "reload: nothing is changed, see the problems above");
    return nullptr;
  }
  for (const std::string& warning : fresh->config.warnings) {
    log().write(Log::Level::warning, "reload: " + warning);
  }
  return fresh;
}

/// A changed command takes a restart, and until then those tunnels are there that run.
void Server::find_unknown_ports(const Config& config, std::vector<std::string>& problems) const {
  if (tunnels_ && tunnels_->runs_by(config)) return;
  const std::size_t known = tunnels_ && tunnel_ports_.of(1) != 0 ? tunnels_->count() : 0;
  for (const UpstreamConfig& upstream : config.upstreams) {
    if (upstream.tunnel <= known) continue;
    problems.push_back(
        fmt::format("--upstream {}: --tunnel-command has changed, and its port takes a restart",
                    upstream.name));
  }
}

void Server::adopt(std::unique_ptr<Ruleset> fresh) {
  fresh->keep_from(*ruleset_);
  for (const ListenConfig& listen :
       changed_listeners(ruleset_->config.listen, fresh->config.listen)) {
    log().write(Log::Level::info,
                "reload: new clients of " + listen_url(listen) + " get its new settings");
  }
  ruleset_ = std::move(fresh);
  order_trace();
  if (watcher_ != nullptr) watcher_->on_adopted(ruleset_);
  log().write(Log::Level::info, reloaded_text(ruleset_->config));
  // The first worker's thread is this one.  A drain that follows is by the new ruleset in all.
  workers_[0]->adopt(ruleset_);
  for (std::size_t i = 1; i < workers_.size(); ++i) {
    Worker* const worker = workers_[i].get();
    worker->loop().post([worker, ruleset = ruleset_] { worker->adopt(ruleset); });
  }
  if (!tunnels_ || !tunnels_->runs_by(ruleset_->config)) return;
  tunnels_->set_count(ruleset_->config.tunnels);
  if (tunnels_->leaving() != 0) tunnel_use_->start();
}

void Server::each_worker(const std::function<void(Worker&)>& task) {
  for (const auto& worker : workers_) {
    worker->loop().post([target = worker.get(), task] { task(*target); });
  }
}

void Server::on_worker_drained() {
  if (--running_ > 0) return;
  // The tunnel commands end last: what drained went through it.
  if (!tunnels_) return on_tunnels_stopped();
  tunnels_->stop(Callback<void()>::to<&Server::on_tunnels_stopped>(this));
}

std::uint64_t Server::target_lookups() const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->loop().lookups().targets;
  return sum;
}

std::uint64_t Server::upstream_lookups() const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->loop().lookups().upstreams;
  return sum;
}

Stats Server::stats() const {
  Stats sum;
  for (const auto& worker : workers_) sum += worker->stats();
  return sum;
}

std::uint64_t Server::lost_access_lines() const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->log().lost_access_lines();
  return sum;
}

bool Server::busy() const {
  for (const auto& worker : workers_) {
    if (worker->loop().busy()) return true;
  }
  return false;
}

}  // namespace culvert
