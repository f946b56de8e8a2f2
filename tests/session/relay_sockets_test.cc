// The relay over real sockets, where bytes pass through the kernel's pipes.
#include <sys/socket.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.h"
#include "support/socket_tunnel.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

const Pattern& up_pattern() {
  static const Pattern instance(1);
  return instance;
}
const Pattern& down_pattern() {
  static const Pattern instance(2);
  return instance;
}

/// `size` bytes in each direction at once; everything arrives, and nothing is left.
void carry(SocketPair client, SocketPair upstream, std::uint64_t size, bool splice, bool stalls) {
  const std::size_t files = open_files() - 4;
  {
    TunnelHouse house;
    if (!splice) house.take_all_pipes();
    SocketTunnel tunnel(house, std::move(client), std::move(upstream));
    Endpoint client_end(tunnel.client, up_pattern(), down_pattern(), size, stalls);
    Endpoint upstream_end(tunnel.upstream, down_pattern(), up_pattern(), size, stalls);
    CHECK(tunnel.run());
    tunnel.destroy();  // if it hangs, so that the threads do not
    client_end.join();
    upstream_end.join();
    CHECK(client_end.sent_all());
    CHECK(client_end.received_all());
    CHECK(upstream_end.sent_all());
    CHECK(upstream_end.received_all());
    CHECK(tunnel.bytes_up == size);
    CHECK(tunnel.bytes_down == size);
    CHECK(tunnel.end.cause == RelayEnd::Cause::finished);
    if (splice) CHECK(house.free_pipes() == PipePool::kMost);
    house.give_pipes_back();
    CHECK_FALSE(house.loop.busy());
  }
  CHECK(open_files() == files);
}

}  // namespace

TEST_CASE("100 MB in each direction at once, each byte in its place") {
  const bool splice = GENERATE(true, false);
  CAPTURE(splice);
  carry(tcp_pair(), tcp_pair(), 100'000'000, splice, false);
}

TEST_CASE("readers that stall lose nothing") {
  const bool splice = GENERATE(true, false);
  CAPTURE(splice);
  carry(tcp_pair(), tcp_pair(), 20'000'000, splice, true);
}

TEST_CASE("a unix socket on one side or both") {
  const bool splice = GENERATE(true, false);
  CAPTURE(splice);
  carry(unix_pair(), tcp_pair(), 10'000'000, splice, false);
  carry(tcp_pair(), unix_pair(), 10'000'000, splice, true);
  carry(unix_pair(), unix_pair(), 10'000'000, splice, false);
}

TEST_CASE("more tunnels than pipes, all busy at once") {
  const std::size_t files = open_files();
  {
    constexpr std::size_t kTunnels = PipePool::kMost + 8;
    constexpr std::uint64_t kSize = 2'000'000;
    TunnelHouse house;
    struct Way {
      std::unique_ptr<SocketTunnel> tunnel;
      std::uint64_t sent = 0, received = 0;
      bool wrong = false;
    };
    std::vector<Way> ways(kTunnels);
    for (Way& way : ways) {
      way.tunnel = std::make_unique<SocketTunnel>(house, tcp_pair(), tcp_pair());
    }
    const auto move = [](Way& way) {
      const std::string_view bytes =
          up_pattern().at(way.sent, static_cast<std::size_t>(kSize - way.sent));
      if (!bytes.empty()) {
        const ssize_t count =
            send(way.tunnel->client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count > 0) way.sent += static_cast<std::uint64_t>(count);
        if (way.sent == kSize) send_fin(way.tunnel->client);
      }
      const Received received = receive_now(way.tunnel->upstream);
      for (std::string_view rest = received.bytes; !rest.empty();) {
        const std::string_view expected = up_pattern().at(way.received, rest.size());
        way.wrong = way.wrong || rest.substr(0, expected.size()) != expected;
        way.received += expected.size();
        rest.remove_prefix(expected.size());
      }
      if (received.ended && way.tunnel->upstream.get() >= 0) way.tunnel->upstream.reset();
    };
    REQUIRE(turn_until(
        house.loop,
        [&] {
          bool all = true;
          for (Way& way : ways) {
            if (way.tunnel->upstream.get() >= 0) move(way);
            all = all && way.tunnel->done;
          }
          return all;
        },
        30s));
    for (const Way& way : ways) {
      CHECK(way.received == kSize);
      CHECK_FALSE(way.wrong);
    }
    CHECK(house.free_pipes() == PipePool::kMost);
  }
  CHECK(open_files() == files);
}

TEST_CASE("who closes right after writing loses nothing") {
  TunnelHouse house;
  std::minstd_rand random(3);
  for (int round = 0; round < 150; ++round) {
    const bool up = round % 2 == 0;
    const std::string bytes(up_pattern().at(random(), random() % 150'000));
    SocketTunnel tunnel(house, tcp_pair(), tcp_pair());
    Fd& from = up ? tunnel.client : tunnel.upstream;
    Fd& to = up ? tunnel.upstream : tunnel.client;
    std::thread sender([&] {
      send_all(from, bytes);
      from.reset();
    });
    std::string received;
    CHECK(turn_until(house.loop, [&] {
      const Received now = receive_now(to);
      received += now.bytes;
      return now.ended;
    }));
    sender.join();
    CHECK((received == bytes));
    to.reset();
    REQUIRE(tunnel.run());
    CHECK(tunnel.end.cause == RelayEnd::Cause::finished);
  }
}

TEST_CASE("a half that has ended leaves the other as long as it likes") {
  TunnelHouse house;
  SocketTunnel tunnel(house, tcp_pair(), tcp_pair());
  const bool client_first = GENERATE(true, false);
  Fd& first = client_first ? tunnel.client : tunnel.upstream;
  Fd& second = client_first ? tunnel.upstream : tunnel.client;
  send_all(first, "request");
  send_fin(first);
  std::string received;
  REQUIRE(turn_until(house.loop, [&] {
    const Received now = receive_now(second);
    received += now.bytes;
    return now.ended;
  }));
  CHECK(received == "request");
  turn_for(house.loop, 20ms);
  const std::string answer = std::string(up_pattern().at(0, 200'000));
  std::thread sender([&] {
    send_all(second, answer);
    send_fin(second);
  });
  received.clear();
  CHECK(turn_until(house.loop, [&] {
    const Received now = receive_now(first);
    received += now.bytes;
    return now.ended;
  }));
  sender.join();
  CHECK((received == answer));
  CHECK(tunnel.run());
  CHECK(tunnel.end.closed_by == (client_first ? Side::client : Side::upstream));
}

TEST_CASE("a reset reaches the other side behind the bytes that came before it") {
  TunnelHouse house;
  const bool by_client = GENERATE(true, false);
  const std::size_t size = GENERATE(values<std::size_t>({0, 10, 100'000}));
  CAPTURE(by_client, size);
  SocketTunnel tunnel(house, tcp_pair(), tcp_pair());
  Fd& breaking = by_client ? tunnel.client : tunnel.upstream;
  Fd& survivor = by_client ? tunnel.upstream : tunnel.client;
  const std::string bytes(up_pattern().at(0, size));
  send_all(breaking, bytes);
  // What its own kernel still holds a reset would throw away, so the relay takes it first.
  REQUIRE(turn_until(
      house.loop, [&] { return tunnel.relay->bytes_up() + tunnel.relay->bytes_down() == size; }));
  send_reset(breaking);
  Received received;
  REQUIRE(turn_until(house.loop, [&] {
    const Received now = receive_now(survivor);
    received.bytes += now.bytes;
    received.error = now.error;
    return now.ended || now.error != 0;
  }));
  CHECK((received.bytes == bytes));
  CHECK(received.error == ECONNRESET);
  REQUIRE(tunnel.run());
  CHECK(tunnel.end.cause == RelayEnd::Cause::reset);
  CHECK(tunnel.end.closed_by == (by_client ? Side::client : Side::upstream));
  CHECK(house.free_pipes() == PipePool::kMost);
}

TEST_CASE("a reset in the middle of a stream that nobody stops") {
  TunnelHouse house;
  const bool by_receiver = GENERATE(true, false);
  SocketTunnel tunnel(house, tcp_pair(), tcp_pair());
  std::thread sender([fd = tunnel.upstream.get()] {
    const std::string block(100'000, 'x');
    while (send(fd, block.data(), block.size(), MSG_NOSIGNAL) > 0) {
    }
  });
  std::size_t received = 0;
  REQUIRE(turn_until(house.loop, [&] {
    received += receive_now(tunnel.client).bytes.size();
    return received > 3'000'000;
  }));
  if (by_receiver) {
    send_reset(tunnel.client);
  } else {
    shutdown(tunnel.upstream.get(), SHUT_RDWR);  // frees the thread
    sender.join();
    send_reset(tunnel.upstream);
  }
  if (by_receiver) {
    CHECK(tunnel.run());
    sender.join();
    CHECK(tunnel.end.closed_by == Side::client);
  } else {
    CHECK(turn_until(house.loop, [&] {
      const Received now = receive_now(tunnel.client);
      return now.ended || now.error != 0;
    }));
  }
  tunnel.destroy();
  CHECK(house.free_pipes() == PipePool::kMost);
}

TEST_CASE("a reader that reads nothing stops the sender, and holds one pipe at most") {
  TunnelHouse house;
  SocketTunnel tunnel(house, tcp_pair(), tcp_pair());
  const std::string block(100'000, 'x');
  std::uint64_t sent = 0;
  int quiet_turns = 0;
  REQUIRE(turn_until(house.loop, [&] {
    const ssize_t count =
        send(tunnel.upstream.get(), block.data(), block.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) sent += static_cast<std::uint64_t>(count);
    quiet_turns = count > 0 ? 0 : quiet_turns + 1;
    return quiet_turns > 20;
  }));
  CHECK(sent < 100'000'000);  // what kernels hold, and no more
  CHECK(house.free_pipes() == PipePool::kMost - 1);
  std::uint64_t received = 0;
  CHECK(turn_until(house.loop, [&] {
    received += receive_now(tunnel.client).bytes.size();
    return received == sent;
  }));
  turn_for(house.loop, 20ms);
  CHECK(house.free_pipes() == PipePool::kMost);  // quiet again: no pipe
}

TEST_CASE("messages small and large in turns") {
  TunnelHouse house;
  SocketTunnel tunnel(house, tcp_pair(), tcp_pair());
  std::uint64_t position = 0;
  for (int round = 0; round < 60; ++round) {
    const std::size_t size = round % 10 < 3 ? 200'000 : 100;
    const std::string message(up_pattern().at(position, size));
    position += size;
    std::thread sender([&] { send_all(tunnel.client, message); });
    std::string received;
    CHECK(turn_until(house.loop, [&] {
      received += receive_now(tunnel.upstream).bytes;
      return received.size() >= size;
    }));
    sender.join();
    REQUIRE((received == message));
  }
  CHECK(house.free_pipes() == PipePool::kMost);
}

TEST_CASE("a tunnel is destroyed with bytes in its pipe") {
  const std::size_t files = open_files();
  {
    TunnelHouse house;
    for (int turns = 1; turns < 30; ++turns) {
      SocketTunnel tunnel(house, tcp_pair(), tcp_pair());
      const std::string block(100'000, 'x');
      for (int turn = 0; turn < turns; ++turn) {
        while (send(tunnel.client.get(), block.data(), block.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >
               0) {
        }
        house.loop.turn(0);
      }
      tunnel.destroy();
      CHECK(house.free_pipes() == PipePool::kMost);
      CHECK_FALSE(house.loop.busy());
    }
  }
  CHECK(open_files() == files);
}
