// A relay between real sockets, whose far ends the test holds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/tcp_stream.h"
#include "session/relay.h"
#include "support/sockets.h"

namespace culvert::test {

/// What the relays of a test share, as those of a worker do.
struct TunnelHouse {
  Loop loop;
  std::string buffer = std::string(64 * 1024, '\0');
  PipePool pipes;
  FlowResources resources{buffer, pipes};

  /// How many pipes are available now; all are returned.
  std::size_t free_pipes();
  /// Takes all pipes, so that relays have to copy.
  void take_all_pipes();
  void give_pipes_back();

 private:
  std::vector<Pipe> taken_;
};

class SocketTunnel {
 public:
  SocketTunnel(TunnelHouse& house, SocketPair client_pair, SocketPair upstream_pair,
               RelaySettings settings = {});
  SocketTunnel(const SocketTunnel&) = delete;
  SocketTunnel& operator=(const SocketTunnel&) = delete;

  /// Turns until the relay is done; then both streams have been closed.
  [[nodiscard]] bool run();
  /// Ends relay and streams, wherever they are.
  void destroy();

  Fd client;  ///< far ends, blocking
  Fd upstream;
  std::unique_ptr<Relay> relay;
  bool done = false;
  RelayEnd end;
  std::uint64_t bytes_up = 0;
  std::uint64_t bytes_down = 0;

 private:
  void on_news(RelayNews news);

  TunnelHouse& house_;
  std::unique_ptr<TcpStream> client_stream_;
  std::unique_ptr<TcpStream> upstream_stream_;
};

/// An endless row of bytes with a long period that no buffer size divides.
class Pattern {
 public:
  explicit Pattern(unsigned seed);
  /// At most kMost bytes from position `at` on.
  std::string_view at(std::uint64_t at, std::size_t size) const;
  static constexpr std::size_t kMost = 1 << 18;

 private:
  std::string bytes_;
};

/// One end of a tunnel that sends and receives in threads of its own, as fast as it can or with
/// pauses, and checks each byte.
class Endpoint {
 public:
  Endpoint(const Fd& fd, const Pattern& sends, const Pattern& receives, std::uint64_t size,
           bool stalls);
  void join();
  bool sent_all() const { return sent_ == size_; }
  bool received_all() const { return received_ == size_ && ended_ && !wrong_; }

 private:
  void write(const Pattern& pattern);
  void read(const Pattern& pattern);

  int fd_;
  std::uint64_t size_;
  bool stalls_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  bool ended_ = false;
  bool wrong_ = false;
  std::thread writer_, reader_;
};

}  // namespace culvert::test
