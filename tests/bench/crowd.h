#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>

/// The clients of the proxy under test.
namespace bench {

enum class Work {
  download,
  upload,
  /// A tunnel, one message there and back, and the next tunnel.
  churn,
  /// Messages there and back in tunnels that stay.
  ping,
  /// Messages in most tunnels while downloads fill the others.
  mixed,
  /// Tunnels in which nothing moves.
  idle,
  /// All tunnels at once, one message in each; none closes before the last has had its answer.
  burst,
  /// Plain requests on connections that stay.
  get,
  /// Whether each byte arrives, in five ways of using a tunnel.
  check,
};

struct Plan {
  Work work = Work::churn;
  sockaddr_in proxy{};
  /// Whether the clients speak SOCKS5, and not HTTP.
  bool socks = false;
  /// ADDRESS:PORT of the targets, as the proxy is told.
  std::string echo;
  std::string sink;
  std::string source;
  std::string origin;
  /// How many tunnels at a time.
  std::uint64_t tunnels = 1;
  /// How many in all (churn, check), or how many requests (get).
  std::uint64_t count = 1;
  /// In each direction that is filled, for each tunnel.
  std::uint64_t bytes = 1 << 20;
  /// Of a message or of an answer's body.
  std::uint64_t size = 1;
  /// In each tunnel (ping, mixed).
  std::uint64_t messages = 1;
  /// Between an answer and the next message of the same tunnel, in milliseconds (ping).
  std::uint64_t pause = 0;
  /// How many of the tunnels are downloads (mixed).
  std::uint64_t bulk = 0;
  /// How many loopback addresses the clients come from: one has 28,000 ports.
  unsigned sources = 1;
  unsigned seconds = 60;
};

/// Opens what stays open, says {"ready": N}, waits for a line of input, works, and says in a line
/// of JSON what has happened. Returns the exit status: 1 when anything failed or came out wrong.
int run(const Plan& plan);

}  // namespace bench
