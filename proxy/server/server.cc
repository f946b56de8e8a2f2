#include "server/server.h"

#include <csignal>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace culvert {

std::unique_ptr<Server> Server::start(std::unique_ptr<Ruleset> ruleset,
                                      std::unique_ptr<Shared> shared, Reload reload,
                                      std::vector<std::string>& problems) {
  std::unique_ptr<Server> server(new Server(std::move(shared), std::move(reload)));
  server->sockets_.resize(ruleset->config.threads);
  const std::size_t before = problems.size();
  for (const ListenConfig& listen : ruleset->config.listen) {
    if (auto bound = server->bind(listen); !bound) problems.push_back(bound.error().text);
  }
  if (problems.size() != before) return nullptr;
  ruleset->listeners = server->addresses_;
  server->ruleset_ = std::move(ruleset);
  server->make_workers();
  return server;
}

Server::~Server() = default;

Result<void> Server::bind(const ListenConfig& listen) {
  if (listen.kind == ListenConfig::Kind::unix_socket) return bind_unix(listen);
  HostPort address = listen.address;
  const bool share = sockets_.size() > 1;
  auto free = ListenSocket::check_free(address);
  std::vector<ListenSocket> bound;  // one for each worker, or none
  for (std::size_t i = 0; free && i < sockets_.size(); ++i) {
    auto socket = ListenSocket::tcp(address, share);
    if (!socket) {
      free = std::move(socket).error();
      break;
    }
    address.port = socket->address().port;  // the others follow where the system chose
    bound.push_back(std::move(*socket));
  }
  if (!free) return listen.optional ? Result<void>() : std::move(free);
  for (std::size_t i = 0; i < bound.size(); ++i) sockets_[i].push_back(std::move(bound[i]));
  listening_.push_back("http://" + address.to_string());
  addresses_.push_back(address);
  return {};
}

Result<void> Server::bind_unix(const ListenConfig& listen) {
  auto socket = ListenSocket::unix_path(listen.path);
  if (!socket) return std::move(socket).error();
  listening_.push_back(listen.to_string());
  shared_sockets_.push_back(std::move(*socket));
  return {};
}

void Server::make_workers() {
  const std::size_t count = sockets_.size();
  for (std::size_t i = 0; i < count; ++i) {
    workers_.push_back(
        std::make_unique<Worker>(*shared_, ruleset_, i, count, std::move(sockets_[i]), [this, i] {
          // The first worker's loop is this thread's and outlives the others.
          if (i == 0) return on_worker_drained();
          workers_[i]->loop().stop();
          workers_[0]->loop().post([this] { on_worker_drained(); });
        }));
  }
  sockets_.clear();
  for (ListenSocket& socket : shared_sockets_) open_for_all(std::move(socket));
  shared_sockets_.clear();
}

/// The first worker accepts, as its thread is the one that begins to drain: see on_signal().
void Server::open_for_all(ListenSocket socket) {
  std::vector<Entrance*> entrances;
  for (const auto& worker : workers_) entrances.push_back(&worker->add_entrance());
  entrances[0]->open(std::move(socket), entrances);
}

/// All of them, or std::system_error and none.
void Server::start_threads() {
  try {
    for (std::size_t i = 1; i < workers_.size(); ++i) {
      threads_.emplace_back([this, worker = workers_[i].get()] {
        threads_may_.wait(Threads::wait);
        if (threads_may_ == Threads::run) worker->loop().run();
      });
    }
    threads_may_ = Threads::run;
  } catch (const std::system_error&) {
    threads_may_ = Threads::end;
    threads_may_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    throw;
  }
  threads_may_.notify_all();
}

void Server::run(const std::function<void()>& begun) {
  running_ = workers_.size();
  Loop& loop = workers_[0]->loop();
  {
    const auto received = Callback<void(int)>::to<&Server::on_signal>(this);
    const SignalWatcher terminate(loop, SIGTERM, received);
    const SignalWatcher interrupt(loop, SIGINT, received);
    const SignalWatcher hang_up(loop, SIGHUP, Callback<void(int)>::to<&Server::on_reload>(this));
    held_signals_.reset();
    start_threads();
    begun();
    if (const Secret& command = ruleset_->config.tunnel_command; !command.empty()) {
      tunnel_ = std::make_unique<TunnelCommand>(loop, log(), command);
      tunnel_->start();
    }
    loop.run();
    tunnel_.reset();
    for (std::thread& thread : threads_) thread.join();
  }
  loop.turn(0);  // in which libuv lets go of the watchers
}

void Server::on_signal(int) {
  if (draining_) {
    if (tunnel_ && running_ == 0) tunnel_->kill();
    return each_worker(&Worker::abort_all);
  }
  draining_ = true;
  const auto& limit = ruleset_->config.drain_timeout;
  log().write(
      Log::Level::info,
      fmt::format("draining: no new connections, {} to finish{}", shared_->connections.load(),
                  limit ? fmt::format(" within {} s", limit->count() / 1000)
                        : std::string(", however long they take")));
  // The first worker deals the connections of shared sockets to the others.  It drains first, here
  // in its thread: so whatever it has dealt reaches a worker before the drain does, and nothing
  // does later.
  workers_[0]->drain();
  each_worker(&Worker::drain);
}

void Server::on_reload(int) {
  if (draining_) return;
  std::vector<std::string> problems;
  std::unique_ptr<Ruleset> fresh = reload_(problems);
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
    return;
  }
  for (const std::string& warning : fresh->config.warnings) {
    log().write(Log::Level::warning, "reload: " + warning);
  }
  fresh->listeners = addresses_;
  fresh->keep_health(*ruleset_);
  ruleset_ = std::move(fresh);
  log().write(Log::Level::info,
              fmt::format("reloaded (upstreams: {}, routes: {}); open connections keep what they "
                          "began with",
                          ruleset_->config.upstreams.size(), ruleset_->config.routes.size()));
  // The first worker's thread is this one.  A drain that follows is by the new ruleset in all.
  workers_[0]->adopt(ruleset_);
  for (std::size_t i = 1; i < workers_.size(); ++i) {
    Worker* const worker = workers_[i].get();
    worker->loop().post([worker, ruleset = ruleset_] { worker->adopt(ruleset); });
  }
}

void Server::each_worker(void (Worker::*method)()) {
  for (const auto& worker : workers_) {
    worker->loop().post([target = worker.get(), method] { (target->*method)(); });
  }
}

void Server::on_worker_drained() {
  if (--running_ > 0) return;
  // The tunnel command ends last: what drained went through it.
  if (!tunnel_) return on_tunnel_stopped();
  tunnel_->stop(Callback<void()>::to<&Server::on_tunnel_stopped>(this));
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

bool Server::busy() const {
  for (const auto& worker : workers_) {
    if (worker->loop().busy()) return true;
  }
  return false;
}

}  // namespace culvert
