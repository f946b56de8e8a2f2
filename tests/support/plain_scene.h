// A session between a client and targets, each a loopback socket that the test holds: bytes pass
// the real loop, and the test sees what a peer would see.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "session/session.h"

namespace culvert::test {

/// The other end of one of the session's connections.
class SocketPeer {
 public:
  explicit SocketPeer(int fd) : fd_(fd) {}
  ~SocketPeer();
  SocketPeer(const SocketPeer&) = delete;
  SocketPeer& operator=(const SocketPeer&) = delete;

  /// How much of `bytes` the kernel takes.
  std::size_t send(std::string_view bytes);
  void finish();  ///< FIN
  void reset();   ///< RST
  /// What was received since the last call.
  std::string receive();

  bool ended() const { return ended_; }      ///< a FIN has come
  bool was_reset() const { return reset_; }  ///< a RST has come

 private:
  int fd_;
  bool ended_ = false;
  bool reset_ = false;
};

class PlainScene {
 public:
  struct Options {
    std::string upstream = "direct://";
    Config config;                 ///< timeouts count
    std::optional<HostPort> peer;  ///< the client's address
    bool access_log = true;
    int socket_buffer = 0;  ///< of all sockets, in bytes; 0: the system's
  };
  PlainScene() : PlainScene(Options{}) {}
  explicit PlainScene(Options options);
  ~PlainScene();

  /// Turns the loop until nothing happens any more.
  void settle();
  /// Turns it until so much time is over, or the session.
  void pass(std::chrono::milliseconds duration);

  SocketPeer& client() { return *client_; }
  void send(std::string_view bytes);  ///< from the client, and settles
  std::string receive();              ///< at the client, once it has settled

  /// The connections that were dialed, in order; waits for the first `count`.
  SocketPeer& target(std::size_t index = 0);
  std::size_t dialed() const;
  /// The dialed addresses, "host:port".
  const std::string& dialed_address(std::size_t index) const;
  void answer(std::string_view bytes, std::size_t index = 0);  ///< from a target, and settles
  std::string at_target(std::size_t index = 0);                ///< at a target, once it has settled
  /// The next dials fail with this.
  void refuse_dials(const Error& error);

  void begin_drain();
  void abort();
  bool over() const { return over_; }
  std::vector<std::string> access_lines();

 private:
  class Wiring;
  void on_finished(Session&);

  std::unique_ptr<Wiring> wiring_;
  std::unique_ptr<SocketPeer> client_;
  bool over_ = false;
};

/// `head` with each "\n" made a CRLF.
std::string crlf(std::string_view text);

}  // namespace culvert::test
