#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace culvert {

/// What the kernel knows of a TCP connection's way to its peer (tcp(7), TCP_INFO).
struct TcpFacts {
  std::chrono::microseconds rtt{0};            ///< smoothed round trip
  std::chrono::microseconds rtt_variation{0};  ///< of it
  std::uint32_t retransmits = 0;               ///< segments so far
  /// Retransmissions, or probes of a shut window, in a row without an answer.
  std::uint32_t unanswered = 0;
  std::uint32_t unacked = 0;               ///< segments under way
  std::uint32_t notsent = 0;               ///< bytes that wait to be sent
  std::chrono::milliseconds last_sent{0};  ///< how long ago data was sent to it ...
  std::chrono::milliseconds last_data{0};  ///< ... came from it ...
  std::chrono::milliseconds last_ack{0};   ///< ... and an acknowledgement did

  /// It answers what is sent to it; one segment or probe may be on its way.
  bool answers() const { return unanswered < 2; }
  /// "rtt 23 ms (+-5), 4 retransmits, 12 segments unacknowledged, 98304 bytes not sent, data came
  /// 31 s ago, an acknowledgement 2 s ago".
  std::string describe() const;
};

/// nullopt: `fd` is no TCP socket.
std::optional<TcpFacts> tcp_facts(int fd);

}  // namespace culvert
