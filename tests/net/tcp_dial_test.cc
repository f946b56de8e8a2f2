#include "dial/tcp_dial.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>

#include "net/manual_clock.h"
#include "net/tcp_connect.h"
#include "support/catch.h"
#include "support/fake_names.h"
#include "support/refused_watches.h"
#include "support/sockets.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

HostPort at(const std::string& host, std::uint16_t port) {
  return HostPort::from(host, port).value();
}

/// A dial and its result.
struct Attempt {
  Attempt(Loop& on, const HostPort& address, Side side = Side::target)
      : loop(on),
        dial(std::make_unique<TcpDial>(loop, address, side, AddressCheck{},
                                       DialDone::to<&Attempt::on_done>(this))) {}
  void on_done(DialResult outcome) {
    ++times;
    result.emplace(std::move(outcome));
    if (destroy_in_callback) dial.reset();
  }
  bool run() {
    dial->start();
    return turn_until(loop, [&] { return times > 0; });
  }

  Loop& loop;
  std::unique_ptr<TcpDial> dial;
  std::optional<DialResult> result;
  int times = 0;
  bool destroy_in_callback = false;
};

}  // namespace

TEST_CASE("a dial to an address brings a stream that works") {
  Loop loop;
  std::uint16_t port = 0;
  const Fd listening = listen_on_loopback(port);
  Attempt attempt(loop, at("127.0.0.1", port));
  attempt.destroy_in_callback = GENERATE(false, true);
  REQUIRE(attempt.run());
  REQUIRE(attempt.result->ok());
  Stream& stream = ***attempt.result;
  CHECK(stream.try_write(std::string("hello")).bytes == 5);
  const Fd accepted(accept(listening.get(), nullptr, nullptr));
  CHECK(receive_now(accepted).bytes == "hello");
  attempt.result.reset();
  attempt.dial.reset();
  CHECK_FALSE(loop.busy());
}

TEST_CASE("a refused connection is reported, with the side whose address it was") {
  Loop loop;
  const Side side = GENERATE(Side::target, Side::upstream);
  Attempt attempt(loop, at("127.0.0.1", closed_port()), side);
  attempt.destroy_in_callback = GENERATE(false, true);
  REQUIRE(attempt.run());
  REQUIRE_FALSE(attempt.result->ok());
  CHECK(attempt.result->error().code == Errc::connection_refused);
  CHECK(attempt.result->error().side == side);
  CHECK(attempt.result->error().sys == ECONNREFUSED);
  CHECK(attempt.result->error().text == "refused the connection");
  attempt.dial.reset();
  CHECK_FALSE(loop.busy());
}

TEST_CASE("an address that cannot be connected to fails at once, with the same callback") {
  Loop loop;
  Attempt attempt(loop, at("255.255.255.255", 80));
  attempt.destroy_in_callback = GENERATE(false, true);
  attempt.dial->start();
  CHECK(attempt.times == 1);
  CHECK(attempt.result->error().code == Errc::destination_ip_unroutable);
}

TEST_CASE("without descriptors a dial fails on our side") {
  Loop loop;
  Attempt attempt(loop, at("127.0.0.1", closed_port()));
  const FileLimit none_left;
  attempt.dial->start();
  REQUIRE(attempt.times == 1);
  CHECK(attempt.result->error().code == Errc::connection_limit_reached);
  CHECK(attempt.result->error().side == Side::local);
}

TEST_CASE("a dial without a descriptor uses one that can be spared") {
  Loop loop;
  std::uint16_t port = 0;
  const Fd listening = listen_on_loopback(port);
  std::optional<Fd> spare(dup(listening.get()));
  loop.set_make_room([&] {
    const bool made_room = spare.has_value();
    spare.reset();
    return made_room ? Loop::Room::made : Loop::Room::none;
  });
  loop.turn(0);  // in which libuv begins to watch its own
  Attempt attempt(loop, at("127.0.0.1", port));
  const FileLimit none_left;
  REQUIRE(attempt.run());
  CHECK(*attempt.result);
  Attempt second(loop, at("127.0.0.1", port));
  REQUIRE(second.run());
  REQUIRE_FALSE(*second.result);
  CHECK(second.result->error().code == Errc::connection_limit_reached);
}

TEST_CASE("no dial takes the place of the spare descriptor") {
  Loop loop;
  std::uint16_t port = 0;
  const Fd listening = listen_on_loopback(port);
  loop.turn(0);  // in which libuv begins to watch its own
  SpareDescriptor spare;
  loop.set_spare(spare);
  REQUIRE(spare.regain());
  const FileLimit none_left;
  spare.give();
  Attempt attempt(loop, at("127.0.0.1", port));
  attempt.dial->start();
  REQUIRE(attempt.times == 1);
  CHECK(attempt.result->error().sys == EMFILE);
  CHECK(spare.held());
}

TEST_CASE("a socket that the system does not watch is a failure on our side, not a silence") {
  Loop loop;
  std::uint16_t port = 0;
  const Fd listening = listen_on_loopback(port);
  Attempt attempt(loop, at("127.0.0.1", port));
  const std::size_t files = open_files();
  if (!without_new_watches([&] { attempt.dial->start(); })) return;
  REQUIRE(attempt.times == 1);
  CHECK(attempt.result->error().code == Errc::connection_limit_reached);
  CHECK(attempt.result->error().side == Side::local);
  CHECK_THAT(attempt.result->error().text, Catch::Matchers::Contains("max_user_watches"));
  CHECK(open_files() == files);
}

TEST_CASE("of a name's addresses the one that answers wins, without delay if others refuse") {
  ManualClock clock;
  Loop loop(&clock);
  std::uint16_t port = 0;
  const Fd listening = listen_on_loopback(port);  // nobody on the others
  set_addresses("both.test", {"::1", "127.0.0.2", "127.0.0.1"});
  const auto begun = loop.now();
  Attempt attempt(loop, at("both.test", port));
  attempt.dial->start();
  CHECK(attempt.dial->resolving());
  REQUIRE(turn_until(loop, [&] { return attempt.times > 0; }));
  CHECK(loop.now() == begun);
  CHECK(attempt.result->ok());
  CHECK_FALSE(attempt.dial->resolving());
}

TEST_CASE("an address that does not answer holds up the next for 250 ms, not longer") {
  ManualClock clock;
  Loop loop(&clock);
  std::uint16_t port = 0;
  const Fd listening = listen_on_loopback(port);
  const SilentPort silent("127.0.0.3", port);
  set_addresses("slow.test", {"127.0.0.3", "127.0.0.1"});
  Attempt attempt(loop, at("slow.test", port));
  attempt.destroy_in_callback = true;
  const auto begun = loop.now();
  attempt.dial->start();
  turn_for(loop, 249ms);
  CHECK(attempt.times == 0);
  REQUIRE(turn_until(loop, [&] { return attempt.times > 0; }));
  CHECK(loop.now() - begun == 250ms);
  REQUIRE(attempt.result->ok());
  attempt.result.reset();
  CHECK_FALSE(loop.busy());  // the other attempt is gone, too
}

TEST_CASE("a refusal brings the next address at once, while another attempt still waits") {
  ManualClock clock;
  Loop loop(&clock);
  std::uint16_t port = 0;
  const Fd listening = listen_on_loopback(port);
  const SilentPort silent("127.0.0.3", port);
  set_addresses("slow.test", {"127.0.0.3", "127.0.0.2", "127.0.0.4", "127.0.0.1"});
  const auto begun = loop.now();
  Attempt attempt(loop, at("slow.test", port));
  attempt.dial->start();
  turn_for(loop, 249ms);
  CHECK(attempt.times == 0);
  REQUIRE(turn_until(loop, [&] { return attempt.times > 0; }));
  CHECK(loop.now() - begun == 250ms);  // one delay, not two
  CHECK(attempt.result->ok());
}

TEST_CASE("if all of a name's addresses fail, the most informative failure is reported") {
  Loop loop;
  set_addresses("dead.test", {"255.255.255.255", "127.0.0.1", "255.255.255.255"});
  Attempt attempt(loop, at("dead.test", closed_port()), Side::upstream);
  attempt.destroy_in_callback = GENERATE(false, true);
  REQUIRE(attempt.run());
  CHECK(attempt.result->error().code == Errc::connection_refused);
  CHECK(attempt.result->error().side == Side::upstream);
  attempt.dial.reset();
  CHECK_FALSE(loop.busy());
}

TEST_CASE("a name that does not resolve fails on the side of who has it") {
  Loop loop;
  const Side side = GENERATE(Side::upstream, Side::target);
  Attempt attempt(loop, at("unknown.test", 80), side);
  REQUIRE(attempt.run());
  CHECK(attempt.times == 1);
  CHECK(attempt.result->error().code == Errc::dns_error);
  CHECK(attempt.result->error().side == side);
  CHECK(attempt.result->error().text == "does not resolve here");
}

TEST_CASE("a dial may be destroyed at any stage, and is silent then") {
  ManualClock clock;
  Loop loop(&clock);
  const SilentPort silent;
  SECTION("before it starts") { Attempt(loop, at("127.0.0.1", 1)); }
  SECTION("while the name is looked up") {
    const HangingNames names;
    Attempt attempt(loop, at("hangs.test", silent.number()));
    attempt.dial->start();
    REQUIRE(turn_until(loop, [&] { return names.waiting() == 1; }));
    CHECK(attempt.dial->resolving());
    attempt.dial.reset();
    settle(loop);
    CHECK(attempt.times == 0);
  }
  SECTION("while it connects") {
    Attempt attempt(loop, at("127.0.0.1", silent.number()));
    attempt.dial->start();
    settle(loop, 5);
    attempt.dial.reset();
    settle(loop);
    CHECK(attempt.times == 0);
  }
  SECTION("while two attempts are under way") {
    const SilentPort other("127.0.0.3", silent.number());
    set_addresses("slow.test", {"127.0.0.1", "127.0.0.3"});
    Attempt attempt(loop, at("slow.test", silent.number()));
    attempt.dial->start();
    turn_for(loop, 250ms);
    attempt.dial.reset();
    settle(loop);
    CHECK(attempt.times == 0);
  }
  CHECK(turn_until(loop, [&] { return !loop.busy(); }));
}

TEST_CASE("begin_connect() leaves the outcome to the stream") {
  Loop loop;
  const std::uint16_t port = closed_port();
  int error = 0;
  auto stream = begin_connect(loop, *IpAddress::parse("127.0.0.1"), port, error);
  REQUIRE(stream != nullptr);
  CHECK(stream->connect_result(port).status == Io::Status::would_block);
  REQUIRE(turn_until(
      loop, [&] { return stream->connect_result(port).status != Io::Status::would_block; }));
  // The error was read above, and the kernel reports it once.
  CHECK(stream->broken());
  CHECK(stream->try_write(std::string("x")).status == Io::Status::error);
}

TEST_CASE("dead connections to upstreams are detected, even with unacknowledged bytes") {
  Loop loop;
  std::uint16_t port = 0;
  const Fd listening = listen_on_loopback(port);
  int error = 0;
  const auto stream = begin_connect(loop, *IpAddress::parse("127.0.0.1"), port, error);
  REQUIRE(stream != nullptr);
  CHECK(socket_option(stream->fd(), IPPROTO_TCP, TCP_NODELAY) != 0);
  CHECK(socket_option(stream->fd(), SOL_SOCKET, SO_KEEPALIVE) != 0);
  CHECK(socket_option(stream->fd(), IPPROTO_TCP, TCP_KEEPIDLE) == 30);
  CHECK(socket_option(stream->fd(), IPPROTO_TCP, TCP_USER_TIMEOUT) == 60'000);
  // Linux 6.15 and newer; older kernels know no such option.
  constexpr int kTcpRtoMaxMs = 44;
  int longest_pause = 0;
  socklen_t size = sizeof longest_pause;
  if (getsockopt(stream->fd(), IPPROTO_TCP, kTcpRtoMaxMs, &longest_pause, &size) == 0) {
    CHECK(longest_pause == 3'000);
  }
}

TEST_CASE(
    "an upstream that is slow but alive may be so for longer than the silence of a dead one") {
  Loop loop;
  std::uint16_t port = 0;
  const Fd listening = listen_on_loopback(port);
  int error = 0;
  const auto stream = begin_connect(loop, *IpAddress::parse("127.0.0.1"), port, error);
  REQUIRE(stream != nullptr);
  REQUIRE(turn_until(loop, [&] { return stream->connect_result(port).status == Io::Status::ok; }));
  const std::string bytes(65'536, 'x');
  while (stream->try_write(bytes).status == Io::Status::ok) {
  }
  const auto limit = [&] { return socket_option(stream->fd(), IPPROTO_TCP, TCP_USER_TIMEOUT); };
  CHECK(limit() == 60'000);
  stream->check_peer(true);
  CHECK(limit() == 0);
  stream->check_peer(true);
  CHECK(limit() == 0);
  stream->check_peer(false);
  CHECK(limit() == 60'000);
}

TEST_CASE("a connection to ourselves, where nobody listens, is one that was refused") {
  Loop loop;
  const Fd socket_fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof own;
  auto* const raw = reinterpret_cast<sockaddr*>(&own);
  REQUIRE(bind(socket_fd.get(), raw, size) == 0);
  REQUIRE(getsockname(socket_fd.get(), raw, &size) == 0);
  REQUIRE((connect(socket_fd.get(), raw, size) == 0 || errno == EINPROGRESS));
  TcpStream stream(loop, fcntl(socket_fd.get(), F_DUPFD_CLOEXEC, 3), TcpStream::State::connecting);
  Io result = Io::would_block();
  REQUIRE(turn_until(loop, [&] {
    result = stream.connect_result(ntohs(own.sin_port));
    return result.status != Io::Status::would_block;
  }));
  CHECK(result.status == Io::Status::error);
  CHECK(result.error == ECONNREFUSED);
}

TEST_CASE("begin_connect() to a listener becomes a connection") {
  Loop loop;
  std::uint16_t port = 0;
  const Fd listening = listen_on_loopback(port);
  int error = 0;
  const auto stream = begin_connect(loop, *IpAddress::parse("127.0.0.1"), port, error);
  REQUIRE(stream != nullptr);
  CHECK(turn_until(loop, [&] { return stream->connect_result(port).status == Io::Status::ok; }));
  CHECK_FALSE(stream->broken());
}
