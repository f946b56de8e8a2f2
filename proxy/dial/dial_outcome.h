#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.h"
#include "codec/handshake.h"
#include "net/loop.h"
#include "net/stream.h"

namespace culvert {

/// What the stream through an upstream is wanted for.
enum class DialPurpose : std::uint8_t {
  tunnel,   ///< bytes go to the target itself
  hop,      ///< the same, for the upstream that comes here with `?via`: the target is its proxy
  forward,  ///< plain HTTP: through an HTTP proxy without CONNECT, the requests go to the proxy
  warm,     ///< for a WarmPool: all that needs no target
};

/// Why there is no stream through an upstream, as a value; describe() makes a sentence of it.
struct DialFailure {
  /// Whom the cause's clause is about.
  enum class Subject : std::uint8_t {
    upstream,  ///< its proxy
    target,
    hop,  ///< the upstream that leads to this one's proxy: then it is a sentence
  };

  HandshakeFailure cause;
  DialPhase phase = DialPhase::connect;
  Subject subject = Subject::upstream;
  std::optional<std::chrono::milliseconds> waited{};  ///< its time was over after so long

  /// It was the upstream's proxy itself that could not be used, whatever the target.
  bool proxy_failed() const;
};

/// A stream that is connected to the target, or why there is none.
using UpstreamResult = Result<std::unique_ptr<Stream>, DialFailure>;

/// What an upstream's proxy has replied to so far.
enum class Replied : std::uint8_t {
  nothing,
  to_greeting,  ///< which says nothing about what lies behind the proxy
  to_request,   ///< if only by a refusal
};

/// What a dial's result shows about the upstream.
enum class Proof : std::uint8_t {
  none,
  works,   ///< if it was no success, what went wrong lies beyond the proxy
  fails,   ///< DialFailure::proxy_failed()
  silent,  ///< the request was taken and not answered, which may be the target's fault
};

/// `was_silent`: the upstream has left requests unanswered before, so that a connection to it
/// proves nothing.
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
