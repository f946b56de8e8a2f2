// A whole server with real sockets, in threads of its own.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "options/command_line.h"
#include "server/server.h"
#include "support/catch.h"

namespace culvert::test {

/// Serves from its making to its end.
class RunningServer {
 public:
  /// What stands beside the server, in its thread: made before it runs, told when it does and when
  /// it has ended.
  struct Beside {
    virtual ~Beside() = default;
    virtual void begin() {}
    virtual void end() {}
  };
  using MakeBeside = std::function<std::unique_ptr<Beside>(Server& server)>;

  explicit RunningServer(
      std::vector<std::string> arguments, MakeBeside make_beside = [](Server&) { return nullptr; })
      : arguments_(std::move(arguments)), make_beside_(std::move(make_beside)) {
    thread_ = std::thread([this] { serve(); });
    state_.wait(State::starts);
    if (state_ != State::runs) thread_.join();
    REQUIRE(state_ == State::runs);
  }
  /// Nobody is waited for.
  ~RunningServer() {
    if (!thread_.joinable()) return;
    in_its_thread([](Server& server) {
      server.end();
      server.end();
    });
    thread_.join();
  }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  /// Returns once it is done.
  void in_its_thread(const std::function<void(Server& server)>& task) {
    const auto done = std::make_shared<std::promise<void>>();
    server_->loop().post([this, &task, done] {
      task(*server_);
      done->set_value();
    });
    done->get_future().wait();
  }
  /// For the next reload.
  void set_arguments(std::vector<std::string> arguments) { arguments_ = std::move(arguments); }

  /// To be used as other threads may.
  Server& server() { return *server_; }
  /// Of the listener that was named as number `index`.
  std::uint16_t port(std::size_t index = 0) const { return port_of(urls_.at(index)); }
  std::uint16_t admin_port(std::size_t index = 0) const { return port_of(admin_urls_.at(index)); }

 private:
  enum class State { starts, runs, failed };

  static std::uint16_t port_of(const std::string& url) {
    return static_cast<std::uint16_t>(std::stoul(url.substr(url.rfind(':') + 1)));
  }
  std::unique_ptr<Ruleset> read(std::vector<std::string>& problems) const {
    auto arguments = arguments_;
    arguments.insert(arguments.end(), {"--log-level", "error", "--access-log", "off"});
    return make_ruleset(std::get<Config>(parse_command_line(arguments)), problems);
  }
  void tell(State state) {
    state_ = state;
    state_.notify_all();
  }
  /// Signals that it holds are those of this thread.
  void serve() {
    std::vector<std::string> problems;
    auto ruleset = read(problems);
    if (!ruleset) return tell(State::failed);
    const std::size_t workers = ruleset->config.threads;
    server_ = Server::start(
        std::move(ruleset), std::make_unique<Shared>("culvert-test"),
        [this](std::vector<std::string>& found) { return read(found); }, Listeners(workers), {},
        problems);
    if (!server_) return tell(State::failed);
    urls_ = server_->listeners().urls();
    admin_urls_ = server_->listeners().admin_urls();
    const auto beside = make_beside_(*server_);
    Predecessor none(-1);
    const std::string why = server_->run(none, [&] {
      if (beside) beside->begin();
      tell(State::runs);
    });
    if (!why.empty()) return tell(State::failed);
    if (beside) beside->end();
  }

  std::vector<std::string> arguments_;
  MakeBeside make_beside_;
  std::unique_ptr<Server> server_;
  std::vector<std::string> urls_;
  std::vector<std::string> admin_urls_;
  std::atomic<State> state_ = State::starts;
  std::thread thread_;
};

}  // namespace culvert::test
