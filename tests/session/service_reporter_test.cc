// What a service manager is told, by loops that turn in threads of their own.
#include "server/service_reporter.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/manual_clock.h"
#include "support/catch.h"
#include "support/sockets.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

/// A worker's loop in its thread.
class Turning {
 public:
  Turning() : thread_([this] { loop_.run(); }) {}
  ~Turning() {
    unblock();
    loop_.post([this] { loop_.stop(); });
    thread_.join();
  }
  Turning(const Turning&) = delete;
  Turning& operator=(const Turning&) = delete;

  Loop& loop() { return loop_; }
  /// It is stuck, once this returns, until unblock().
  void block() {
    loop_.post([this] {
      entered_ = true;
      entered_.notify_all();
      blocked_.wait(true);
    });
    entered_.wait(false);
  }
  void unblock() {
    blocked_ = false;
    blocked_.notify_all();
  }

 private:
  Loop loop_;
  std::atomic<bool> entered_ = false;
  std::atomic<bool> blocked_ = true;
  std::thread thread_;
};

/// A service manager, and the reporter of a server with two workers.
struct Service {
  explicit Service(std::optional<std::string> watchdog_usec = {})
      : manager(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
        notice({bind_manager(), std::move(watchdog_usec), {}}, getpid()),
        log(-1, -1, Log::Level::error, Log::Format::text),
        reporter(
            loop, log, notice,
            {{loop, [] { return std::size_t{1}; }}, {other.loop(), [] { return std::size_t{2}; }}},
            [this](std::size_t tunnels) { return words + std::to_string(tunnels); }) {}

  std::string bind_manager() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = dir.path("notify");
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(bind(manager.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return path;
  }
  std::string receive() {
    std::array<char, 512> buffer;
    const ssize_t size = recv(manager.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    return size < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(size));
  }
  /// The next notice, whenever it comes.
  std::string next() {
    std::string notice_text;
    REQUIRE(turn_until(
        loop, [&] { return !(notice_text = receive()).empty(); }, 20s));
    return notice_text;
  }

  const TempDir dir;
  Fd manager;
  Loop loop;
  Turning other;
  ServiceNotice notice;
  Log log;
  std::string words = "tunnels ";
  ServiceReporter reporter;
};

}  // namespace

TEST_CASE("it is ready once every loop has turned") {
  Service service;
  service.other.block();
  service.reporter.begin();
  settle(service.loop);
  CHECK(service.receive().empty());
  service.other.unblock();
  CHECK(service.next() == "READY=1\nSTATUS=tunnels 3");
}

TEST_CASE("the watchdog is fed by all loops, and misses one that is stuck") {
  Service service("30000");
  service.reporter.begin();
  CHECK(service.next() == "READY=1\nWATCHDOG=1\nSTATUS=tunnels 3");
  for (int i = 0; i < 3; ++i) CHECK(service.next() == "WATCHDOG=1");
  service.other.block();
  // Of a round that it had answered before.
  settle(service.loop);
  while (!service.receive().empty()) {
  }
  turn_for(service.loop, 100ms);
  CHECK(service.receive().empty());
  service.other.unblock();
  CHECK(service.next() == "WATCHDOG=1");
}

TEST_CASE("the status is told when it has changed") {
  Service service("3000");
  service.reporter.begin();
  service.next();
  service.words = "one\nupstream down, ";
  std::string text;
  while ((text = service.next()) == "WATCHDOG=1") {
  }
  CHECK(text == "WATCHDOG=1\nSTATUS=one upstream down, 3");
  CHECK(service.next() == "WATCHDOG=1");
}

TEST_CASE("a reload begins with its time, and ends when all loops know") {
  Service service;
  service.reporter.begin();
  service.next();
  service.other.block();
  service.reporter.reloading();
  CHECK_THAT(service.next(), StartsWith("RELOADING=1\nMONOTONIC_USEC="));
  service.reporter.reloaded(true);
  settle(service.loop);
  CHECK(service.receive().empty());
  service.other.unblock();
  CHECK(service.next() == "READY=1");
}

TEST_CASE("a reload that fails is over as well, and the status tells until one succeeds") {
  Service service;
  service.reporter.begin();
  service.next();
  service.reporter.reloading();
  service.next();
  service.reporter.reloaded(false);
  CHECK(service.next() ==
        "READY=1\nSTATUS=tunnels 3; the last reload has changed nothing, see the log");
  service.reporter.reloading();
  service.next();
  service.reporter.reloaded(true);
  CHECK(service.next() == "READY=1\nSTATUS=tunnels 3");
}

TEST_CASE("a drain asks for more time, never beyond its limit") {
  Service service("30000");
  service.reporter.begin();
  service.next();
  service.reporter.draining(2s, [] { return std::string("draining"); });
  std::string text;
  while ((text = service.next()) == "WATCHDOG=1") {
  }
  CHECK(text == "STOPPING=1");
  // The limit and ten seconds for what follows.
  CHECK(service.next() == "EXTEND_TIMEOUT_USEC=12000000\nWATCHDOG=1\nSTATUS=draining");
  const std::string later = service.next();
  constexpr std::string_view kExtend = "EXTEND_TIMEOUT_USEC=";
  REQUIRE_THAT(later, StartsWith(std::string(kExtend)) && !Contains("READY"));
  CHECK(std::stoll(later.substr(kExtend.size())) < 12'000'000);
}

TEST_CASE("a drain without a limit asks for more time as long as it lasts") {
  Service service("30000");
  service.reporter.begin();
  service.next();
  service.reporter.draining(std::nullopt, [] { return std::string("draining"); });
  std::string text;
  while ((text = service.next()) != "STOPPING=1") {
  }
  CHECK(service.next() == "EXTEND_TIMEOUT_USEC=15000000\nWATCHDOG=1\nSTATUS=draining");
  CHECK(service.next() == "EXTEND_TIMEOUT_USEC=15000000\nWATCHDOG=1");
}

TEST_CASE("a process that has handed over is silent") {
  Service service("30000");
  service.reporter.begin();
  service.next();
  service.reporter.handed_over(4711);
  std::string text;
  while ((text = service.next()) == "WATCHDOG=1") {
  }
  CHECK(text == "MAINPID=4711");
  service.reporter.draining(2s, [] { return std::string("draining"); });
  service.reporter.reloading();
  turn_for(service.loop, 60ms);
  CHECK(service.receive().empty());
}

TEST_CASE("what the manager does not read in time is told later") {
  Service service;
  while (service.notice.send("STATUS=x") == ServiceNotice::Sent::yes) {
  }
  service.reporter.begin();
  settle(service.loop);
  turn_for(service.loop, 20ms);
  std::string text;
  while ((text = service.next()) == "STATUS=x") {
  }
  CHECK(text == "READY=1\nSTATUS=tunnels 3");
}

TEST_CASE("nothing is told where nobody wants to know") {
  Loop loop;
  Log log(-1, -1, Log::Level::error, Log::Format::text);
  const ServiceNotice nobody;
  ServiceReporter reporter(loop, log, nobody, {{loop, [] { return std::size_t{0}; }}},
                           [](std::size_t) { return std::string(); });
  reporter.begin();
  reporter.reloading();
  reporter.reloaded(true);
  reporter.draining(1s, [] { return std::string(); });
  settle(loop);
  CHECK_FALSE(loop.busy());
}
