#pragma once

#include <chrono>
#include <memory>

#include "base/callback.h"
#include "base/result.h"
#include "net/stream.h"

namespace culvert {

/// What a dial came to: a stream that is connected to the target, or why there is none.
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
  /// What it would have to say if its time were over now: whose fault, and a text that "within 4 s"
  /// can be put behind.  That is a clause to stand behind the address, or, of a dial through an
  /// upstream, a sentence.
  virtual Error overdue() const;
};

/// How much an error tells about the cause; of several failed attempts the highest is reported.
int specificity(const Error& error);

/// An upstream that was asked and said nothing: its tunnel may be dead, or the target.
bool is_silence(const Error& error);

/// What a failed connect() means: code, and a clause to stand behind the peer's name ("refused the
/// connection").  `side` is the peer's.
Error connect_error(int sys, Side side);

}  // namespace culvert
