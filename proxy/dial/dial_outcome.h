#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.h"
#include "codec/handshake.h"
#include "dial/dial.h"
#include "net/loop.h"
#include "net/stream.h"

namespace culvert {

/// What the stream through an upstream is used for.
enum class DialPurpose : std::uint8_t {
  tunnel,   ///< bytes go to the target itself
  hop,      ///< the same, for another upstream's `?via`: the target is that one's proxy
  forward,  ///< plain HTTP: through an HTTP proxy without CONNECT, the requests go to the proxy
  forward_again,  ///< the same after a connection was closed unanswered: see PortCheck
  warm,           ///< for a WarmPool: all that needs no target
};

/// Why there is no stream through an upstream, as a value; describe() makes it a sentence.
struct DialFailure {
  /// The subject of the cause's clause.
  enum class Subject : std::uint8_t {
    upstream,  ///< its proxy
    target,
    hop,  ///< the `?via` upstream of this one: then the cause is a sentence
  };

  HandshakeFailure cause;
  DialPhase phase = DialPhase::connect;
  Subject subject = Subject::upstream;
  std::optional<std::chrono::milliseconds> waited{};  ///< it timed out after so long
  bool closed = false;       ///< the proxy closed the connection, without an error
  bool doubted = false;      ///< the proxy has not replied, here or before: perhaps the URL's
                             ///< protocol is not its own
  bool kept_second = false;  ///< it ended the connection unanswered, and kept another right after
  std::optional<Missing> missing{};  ///< what the proxy, or one on the way to it, is missing

  /// The upstream's proxy itself could not be used, whatever the target.
  bool proxy_failed() const;
  /// The same, and it may work soon, by itself: it is worth while to wait and try again.
  bool proxy_may_be_starting() const { return missing && proxy_failed(); }
};

/// A stream that is connected to the target, or why there is none.
using UpstreamResult = Result<std::unique_ptr<Stream>, DialFailure>;

/// Up to which step an upstream's proxy has replied.
enum class Replied : std::uint8_t {
  nothing,
  to_greeting,  ///< which proves nothing about what lies beyond the proxy
  to_request,   ///< even if only by a refusal
};

/// What a dial's result shows about the upstream.
enum class Proof : std::uint8_t {
  none,
  works,   ///< success, or a failure beyond the proxy
  fails,   ///< DialFailure::proxy_failed()
  silent,  ///< no reply to the request, which may be due to the target
};

/// `was_silent`: the upstream did not reply to earlier requests, so that a connection to it proves
/// nothing.
Proof proof_of(const UpstreamResult& result, Replied replied, bool was_silent);

/// When the phases of a dial ended.  Zero: not yet.
struct DialTimes {
  using Time = Loop::Clock::time_point;

  DialPhase phase = DialPhase::connect;  ///< the last one that began
  bool pooled = false;                   ///< the connection has waited in a WarmPool
  Time begun{};
  Time connected{};  ///< to the proxy
  Time secured{};    ///< by TLS with it
};

}  // namespace culvert
