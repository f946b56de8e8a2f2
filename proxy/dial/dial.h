#pragma once

#include <chrono>
#include <memory>

#include "base/callback.h"
#include "base/result.h"
#include "net/stream.h"

namespace culvert {

/// What one attempt through one upstream may take, so that it does not eat the time of those behind
/// it: connecting to the proxy is over in 4 s or will not happen, and a proxy that has not answered
/// in 8 s leaves 4 s of the usual 12 for the next.  `?connect-timeout` takes the place of both.
inline constexpr std::chrono::milliseconds kConnectLimit{4'000};  ///< to connect to the proxy
inline constexpr std::chrono::milliseconds kAttemptLimit{8'000};  ///< in all

/// A stream that is connected to the target, or why there is none.
using DialResult = Result<std::unique_ptr<Stream>>;
using DialDone = Callback<void(DialResult)>;

/// One attempt to get a byte stream.  start() once; `done` comes exactly once, perhaps within
/// start(), as the last thing the dial does: it may destroy the dial.  Destruction cancels, and
/// then `done` is not called.
class Dial {
 public:
  virtual ~Dial() = default;
  virtual void start() = 0;
  /// A name is being looked up at the moment.
  virtual bool resolving() const { return false; }
  /// What it would fail with if its time were over now: whose fault, and a text that "within 4 s"
  /// can be put behind.  That is a clause to stand behind the address, or, of a hop, a sentence.
  virtual Error overdue() const;
};

/// How much an error tells about the cause; of several failed attempts the highest is reported.
int specificity(const Error& error);

/// An upstream that was asked and did not answer: its tunnel may be dead, or the target.
bool is_silence(const Error& error);

/// What a failed connect() means: code, and a clause to stand behind the peer's name ("refused the
/// connection").  `side` is the peer's.
Error connect_error(int sys, Side side);

}  // namespace culvert
