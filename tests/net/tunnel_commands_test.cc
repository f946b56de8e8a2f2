#include "server/tunnel_commands.h"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "net/free_port.h"
#include "support/catch.h"
#include "support/memory_file.h"
#include "support/sockets.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

/// Each of them says its port and its pid.
constexpr const char* kCommand = "echo at {port} as $$; exec sleep 1000";

struct Scene {
  explicit Scene(const std::string& command = kCommand) {
    config.tunnel_command = Secret(command);
    ports.take_over({31001, 31002, 31003, 31004});
    tunnels = std::make_unique<TunnelCommands>(loop, log, config, ports);
  }
  ~Scene() {
    tunnels.reset();
    loop.turn(0);
    CHECK_FALSE(loop.busy());
  }

  template <typename Condition>
  void until(Condition condition) {
    REQUIRE(turn_until(loop, condition, 20s));
  }
  void until_log(const std::string& text, std::size_t times = 1) {
    INFO(text);
    until([&] { return count(text) >= times; });
  }
  std::size_t count(const std::string& text) {
    log.flush();
    const std::string all = file.text();
    std::size_t found = 0;
    for (std::size_t at = 0; (at = all.find(text, at)) != std::string::npos; ++at) ++found;
    return found;
  }
  /// The pid of that tunnel's last start.
  int pid_of(std::size_t tunnel) {
    log.flush();
    const std::string text = file.text();
    const std::string said = "at " + std::to_string(31000 + tunnel) + " as ";
    const std::size_t at = text.rfind(said);
    REQUIRE(at != std::string::npos);
    return std::stoi(text.substr(at + said.size()));
  }
  void stop() {
    bool stopped = false;
    struct Note {
      bool& flag;
      void on_stopped() { flag = true; }
    } note{stopped};
    tunnels->stop(Callback<void()>::to<&Note::on_stopped>(&note));
    until([&] { return stopped; });
  }

  Loop loop;
  MemoryFile file;
  Log log{file.fd(), -1, Log::Level::info, Log::Format::text};
  Config config;
  TunnelPorts ports;
  std::unique_ptr<TunnelCommands> tunnels;
};

bool is_gone(int pid) { return kill(pid, 0) != 0; }

}  // namespace

TEST_CASE("each tunnel has its port, its number, and is started again alone") {
  Scene scene;
  scene.tunnels->set_count(3);
  for (const char* const line :
       {"tunnel 1: starting echo", "tunnel 2: starting echo", "tunnel 3: starting echo",
        "tunnel 1: at 31001 as ", "tunnel 2: at 31002 as ", "tunnel 3: at 31003 as "}) {
    scene.until_log(line);
  }
  CHECK(scene.tunnels->leaving() == 0);
  const int second = scene.pid_of(2);
  kill(second, SIGKILL);
  scene.until_log("tunnel 2: echo was ended by signal 9 after ");
  scene.until_log("tunnel 2: at 31002 as ", 2);
  CHECK(scene.pid_of(2) != second);
  CHECK(scene.count("tunnel 1: starting echo") == 1);
  CHECK(scene.count("tunnel 3: starting echo") == 1);
  scene.stop();
  for (const std::size_t tunnel : {1U, 2U, 3U}) CHECK(is_gone(scene.pid_of(tunnel)));
}

TEST_CASE("one alone has no number") {
  Scene scene("echo hello; exec sleep 1000");
  scene.tunnels->set_count(1);
  scene.until_log("info tunnel: starting echo");
  scene.until_log("info tunnel: hello");
  scene.stop();
}

TEST_CASE("those that are not wanted run on for as long as they are needed") {
  Scene scene;
  scene.tunnels->set_count(4);
  for (std::size_t i = 1; i <= 4; ++i) scene.until_log("tunnel " + std::to_string(i) + ": at ");
  scene.tunnels->set_count(2);
  CHECK(scene.tunnels->leaving() == (tunnel_bit(3) | tunnel_bit(4)));
  scene.tunnels->end_leaving(tunnel_bit(1) | tunnel_bit(4));
  CHECK(scene.tunnels->leaving() == tunnel_bit(4));
  scene.until_log("tunnel 3: echo was ended by signal 15");
  CHECK(is_gone(scene.pid_of(3)));
  for (const std::size_t tunnel : {1U, 2U, 4U}) CHECK_FALSE(is_gone(scene.pid_of(tunnel)));

  SECTION("one that ends by itself stays away") {
    kill(scene.pid_of(4), SIGKILL);
    scene.until_log("tunnel 4: echo was ended by signal 9");
    CHECK(scene.tunnels->leaving() == 0);
    CHECK(scene.count("tunnel 4: starting echo") == 1);
  }
  SECTION("one that is wanted again goes on, and one that has ended is started") {
    scene.tunnels->set_count(4);
    CHECK(scene.tunnels->leaving() == 0);
    scene.tunnels->end_leaving(0);
    scene.until_log("tunnel 3: at ", 2);
    CHECK(scene.count("tunnel 4: starting echo") == 1);
    kill(scene.pid_of(4), SIGKILL);
    scene.until_log("tunnel 4: at ", 2);
  }
  SECTION("one that is just being ended is started again once it has") {
    scene.tunnels->end_leaving(0);
    scene.tunnels->set_count(4);
    scene.until_log("tunnel 4: echo was ended by signal 15");
    scene.until_log("tunnel 4: at ", 2);
  }
  scene.stop();
}

TEST_CASE("all of them end, also one that ends already") {
  Scene scene;
  scene.tunnels->set_count(2);
  scene.until_log("tunnel 1: at ");
  scene.until_log("tunnel 2: at ");
  scene.tunnels->set_count(1);
  scene.tunnels->end_leaving(0);
  scene.stop();
  CHECK(is_gone(scene.pid_of(1)));
  CHECK(is_gone(scene.pid_of(2)));
}

TEST_CASE("without any there is nothing to wait for") {
  Scene scene;
  scene.stop();
}

TEST_CASE("another process goes on with those that are wanted") {
  Scene scene;
  scene.tunnels->set_count(3);
  for (std::size_t i = 1; i <= 3; ++i) scene.until_log("tunnel " + std::to_string(i) + ": at ");
  scene.tunnels->set_count(2);
  const std::vector<PassedCommand> passed = scene.tunnels->to_pass_on();
  REQUIRE(passed.size() == 2);
  CHECK(passed[1].port == 31002);

  // In the place of the other process.  The descriptors are shared, as they would be there.
  std::vector<PassedCommand> received = passed;
  for (PassedCommand& one : received) {
    REQUIRE(one.running);
    one.running->lifeline = dup(one.running->lifeline);
    one.running->output = dup(one.running->output);
  }
  TunnelCommands next(scene.loop, scene.log, scene.config, scene.ports);
  next.set_count(2, received);
  scene.until_log("tunnel 2: echo goes on running");
  scene.tunnels->release();
  scene.stop();
  CHECK(is_gone(scene.pid_of(3)));
  for (const std::size_t tunnel : {1U, 2U}) CHECK_FALSE(is_gone(scene.pid_of(tunnel)));
  CHECK(scene.count("tunnel 1: starting echo") == 1);
  next.kill();
  scene.until_log("tunnel 1: echo has ended after ");
  scene.until_log("tunnel 1: at ", 2);
}

TEST_CASE("a command and another number of it are not the same") {
  const std::string one = TunnelCommands::identity("ssh {port}", 1);
  CHECK(one == "ssh {port}");
  CHECK(TunnelCommands::identity("ssh {port}", 2) != one);
  CHECK(TunnelCommands::identity("ssh {port}", 2) != TunnelCommands::identity("ssh {port}", 3));
  Scene scene;
  scene.tunnels->set_count(2);
  CHECK(scene.tunnels->identity() == TunnelCommands::identity(kCommand, 2));
  CHECK(scene.tunnels->runs_by(scene.config));
  CHECK_FALSE(scene.tunnels->runs_by(Config()));
}

TEST_CASE("a port that another process has taken is named before the command is started") {
  std::uint16_t port = 0;
  const Fd other = listen_on_loopback(port);
  Scene scene("echo hush >/dev/null; exec sleep 1000");
  scene.ports.take_over({port});
  scene.tunnels->set_count(1);
  scene.until_log("warning tunnel: another process listens at 127.0.0.1:" + std::to_string(port));
  CHECK(scene.count("hush") == 0);
}
