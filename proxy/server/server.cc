#include "server/server.h"

#include <fmt/format.h>

#include <csignal>
#include <utility>

namespace culvert {

Result<std::unique_ptr<Server>> Server::start(std::unique_ptr<Shared> shared) {
  std::unique_ptr<Server> server(new Server(std::move(shared)));
  if (auto bound = server->bind(); !bound) return std::move(bound).error();
  server->make_workers();
  return server;
}

Server::~Server() = default;

Result<void> Server::bind() {
  const Config& config = shared_->config;
  sockets_.resize(config.threads);
  for (const ListenConfig& listen : config.listen) {
    if (listen.kind == ListenConfig::Kind::unix_socket) {
      auto socket = ListenSocket::unix_path(listen.path);
      if (!socket) return std::move(socket).error();
      listening_.push_back(listen.to_string());
      sockets_[0].push_back(std::move(*socket));
      continue;
    }
    HostPort address = listen.address;
    const bool share = config.threads > 1;
    auto free = ListenSocket::check_free(address);
    for (std::size_t i = 0; free && i < config.threads; ++i) {
      auto socket = ListenSocket::tcp(address, share);
      if (!socket) {
        free = std::move(socket).error();
        break;
      }
      address.port = socket->address().port;  // the others follow where the system chose
      sockets_[i].push_back(std::move(*socket));
    }
    if (free) {
      listening_.push_back("http://" + address.to_string());
    } else if (!listen.optional) {
      return std::move(free).error();
    }
  }
  return {};
}

void Server::make_workers() {
  const std::size_t count = sockets_.size();
  for (std::size_t i = 0; i < count; ++i) {
    workers_.push_back(std::make_unique<Worker>(
        *shared_, i, count, std::move(sockets_[i]), [this, i] {
          // The first worker's loop is this thread's and outlives the others.
          if (i == 0) return on_worker_drained();
          workers_[i]->loop().stop();
          workers_[0]->loop().post([this] { on_worker_drained(); });
        }));
  }
  sockets_.clear();
}

void Server::run() {
  running_ = workers_.size();
  Loop& loop = workers_[0]->loop();
  {
    const auto received = Callback<void(int)>::to<&Server::on_signal>(this);
    const SignalWatcher terminate(loop, SIGTERM, received);
    const SignalWatcher interrupt(loop, SIGINT, received);
    for (std::size_t i = 1; i < workers_.size(); ++i) {
      threads_.emplace_back([worker = workers_[i].get()] { worker->loop().run(); });
    }
    loop.run();
    for (std::thread& thread : threads_) thread.join();
  }
  loop.turn(0);  // in which libuv lets go of the watchers
}

void Server::on_signal(int) {
  if (draining_) return each_worker(&Worker::abort_all);
  draining_ = true;
  log().write(Log::Level::info,
              fmt::format("draining: no new connections, {} to finish within {} s",
                          shared_->connections.load(),
                          shared_->config.drain_timeout.count() / 1000));
  each_worker(&Worker::drain);
}

void Server::each_worker(void (Worker::*method)()) {
  for (const auto& worker : workers_) {
    worker->loop().post([target = worker.get(), method] { (target->*method)(); });
  }
}

void Server::on_worker_drained() {
  if (--running_ == 0) workers_[0]->loop().stop();
}

bool Server::busy() const {
  for (const auto& worker : workers_) {
    if (worker->loop().busy()) return true;
  }
  return false;
}

}  // namespace culvert
