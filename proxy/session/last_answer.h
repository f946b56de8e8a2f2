#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/callback.h"
#include "base/result.h"
#include "net/idle_timer.h"
#include "net/output.h"
#include "net/stream.h"

namespace culvert {

/// The last that a client hears on its connection: an answer is written, then the connection is
/// half-closed, and what the client still sends is read and forgotten (RFC 9112 section 9.6) until
/// it falls silent, or has had half a minute.  Closing with unread bytes would be a reset, and that
/// may overtake the answer.
class LastAnswer {
 public:
  /// Comes once, as the last thing this does: it may destroy the LastAnswer.  An error says that
  /// the client did not take the answer.
  using Done = Callback<void(Result<void>)>;

  /// Of a client's bytes no more than `most_forgotten` are read, into `buffer`.  `bytes` may be
  /// empty: what was to be said is said already.
  LastAnswer(Loop& loop, Stream& client, std::span<char> buffer, std::string bytes,
             std::size_t most_forgotten, Done done);

  /// To be called once, and whenever the client is ready.
  void on_ready();

 private:
  void linger();
  void on_timer();

  Stream& client_;
  std::span<char> buffer_;
  Output answer_;
  std::size_t forgotten_ = 0;
  std::size_t most_forgotten_;
  bool lingering_ = false;
  Done done_;
  Loop& loop_;
  IdleTimer timer_;
};

}  // namespace culvert
