#include "net/tcp_facts.h"

#include <sys/socket.h>

#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

TEST_CASE("what is no TCP socket has no facts") {
  int pair[2] = {-1, -1};
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  const Fd one(pair[0]);
  const Fd other(pair[1]);
  CHECK_FALSE(tcp_facts(one.get()).has_value());
  CHECK_FALSE(tcp_facts(-1).has_value());
}

TEST_CASE("a peer that does not read leaves bytes that are not sent, and answers") {
  const SocketPair pair = tcp_pair();
  const std::string much(1 << 20, 'x');
  std::size_t sent = 0;
  for (;;) {
    const ssize_t count = send(pair.near.get(), much.data(), much.size(), MSG_DONTWAIT);
    if (count < 0) break;
    sent += static_cast<std::size_t>(count);
  }
  REQUIRE(sent > 0);
  const auto facts = tcp_facts(pair.near.get());
  REQUIRE(facts.has_value());
  CHECK(facts->notsent > 0);
  CHECK(facts->notsent < sent);
  CHECK(facts->answers());
  CHECK(facts->rtt > 0us);
  CHECK(tcp_facts(pair.far.get())->notsent == 0);
}

TEST_CASE("two unanswered segments or probes in a row are no answer") {
  CHECK(TcpFacts{.unanswered = 1}.answers());
  CHECK_FALSE(TcpFacts{.unanswered = 2}.answers());
}

TEST_CASE("the facts of a connection as text") {
  const TcpFacts facts{.rtt = 23'400us,
                       .rtt_variation = 560us,
                       .retransmits = 4,
                       .unanswered = 3,
                       .unacked = 12,
                       .notsent = 98'304,
                       .last_sent = 10ms,
                       .last_data = 31'499ms,
                       .last_ack = 999ms};
  CHECK(facts.describe() ==
        "rtt 23 ms (+-0.5), 4 retransmits, 12 segments unacknowledged, 98304 bytes not sent, data "
        "came 31 s ago, an acknowledgement 999 ms ago");
}
