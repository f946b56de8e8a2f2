#include "net/free_port.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/file_text.h"
#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;

TEST_CASE("free ports are looked for where no connection gets its own") {
  struct Row {
    const char* local;
    unsigned first, last;
  };
  for (const Row& row : {Row{"32768\t60999\n", 22768, 32767}, Row{"10000 60999", 1024, 9999},
                         Row{"2024\t65535", 1024, 2023}, Row{"1500\t60000", 60001, 65535},
                         // There is no room beside it, or it is not known.
                         Row{"1024\t65535", 1024, 65535}, Row{"2000\t65000", 1024, 65535},
                         Row{"", 1024, 65535}, Row{"no numbers", 1024, 65535}}) {
    INFO(row.local);
    const PortRange range = range_of_free_ports(row.local);
    CHECK(range.first == row.first);
    CHECK(range.last == row.last);
  }
}

TEST_CASE("a free port is one that nobody has") {
  const PortRange range = range_of_free_ports(file_text("/proc/sys/net/ipv4/ip_local_port_range"));
  std::vector<std::uint16_t> ports;
  for (int i = 0; i < 20; ++i) {
    const std::uint16_t port = find_free_port(ports);
    CHECK(port >= range.first);
    CHECK(port <= range.last);
    CHECK(std::count(ports.begin(), ports.end(), port) == 0);
    CHECK_FALSE(is_listened_at(port));
    ports.push_back(port);
  }
}

TEST_CASE("a port with a listener is not free, and one that it has left is") {
  std::uint16_t port = 0;
  Fd listener = listen_on_loopback(port);
  CHECK(is_listened_at(port));
  // A connection that the listener's side has closed first keeps the port for a minute, but for
  // another listener, as servers have them.
  const int yes = 1;
  REQUIRE(setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0);
  Fd client = connect_to_loopback(port);
  Fd accepted(accept(listener.get(), nullptr, nullptr));
  listener.reset();
  accepted.reset();
  pollfd ended{client.get(), POLLIN, 0};
  REQUIRE(poll(&ended, 1, 20'000) == 1);
  client.reset();
  CHECK_FALSE(is_listened_at(port));
}
