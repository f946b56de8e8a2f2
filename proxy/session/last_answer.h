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

/// The last response on a client's connection: it is written, then the connection is half-closed,
/// and what the client still sends is read and discarded (RFC 9112 section 9.6) until it sends
/// nothing for two seconds, or half a minute is over.  Closing with unread bytes would send a
/// reset, which may overtake the response.  Where others wait for the descriptor, it is closed a
/// tenth of a second after the response.
class LastAnswer {
 public:
  /// Called once, as the last thing; may destroy the LastAnswer.  Fails, with the client's side, if
  /// the client did not take the whole response.
  using Done = Callback<void(Result<void>)>;

  /// At most `most_discarded` of the client's bytes are read, into `buffer`.  `bytes` is what is
  /// left of the response; it may be empty.
  LastAnswer(Loop& loop, Stream& client, std::span<char> buffer, std::string bytes,
             std::size_t most_discarded, Done done);
  /// Others wait for the descriptor.
  void hurry() { hurried_ = true; }

  /// To be called once, and whenever the client is ready.
  void on_ready();
  /// The client's stream has taken all of it.
  bool written() const { return lingering_; }

 private:
  void linger();
  void on_timer();

  Stream& client_;
  std::span<char> buffer_;
  Output answer_;
  std::size_t discarded_ = 0;
  std::size_t most_discarded_;
  bool lingering_ = false;
  bool hurried_ = false;
  Done done_;
  Loop& loop_;
  IdleTimer timer_;
};

}  // namespace culvert
