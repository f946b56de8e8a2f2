#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/callback.h"
#include "codec/body_framing.h"
#include "codec/chunked.h"
#include "net/idle_timer.h"
#include "net/output.h"
#include "net/stream.h"

namespace culvert {

/// A refusal after which the client's connection is kept for its next request: the response is
/// written, and what is left of the request's body is read and discarded meanwhile.
class KeptRefusal {
 public:
  enum class End : std::uint8_t {
    next,     ///< the client's next bytes are the next request's
    spoiled,  ///< the body is too long, malformed or does not arrive: the connection cannot be kept
    gone,     ///< the client did not take the response
  };
  /// Called once, as the last thing; may destroy the KeptRefusal.
  using Done = Callback<void(End)>;

  /// Most bytes of a body that are discarded, with its framing.
  static constexpr std::size_t kMostDiscarded = 1 << 20;

  /// `rest` is what was received behind the request's head.  `buffer` is used while it is called
  /// only.
  KeptRefusal(Loop& loop, Stream& client, std::span<char> buffer, std::string answer,
              const BodyFraming& framing, std::string_view rest, Done done);

  /// To be called once, and whenever the client is ready; not by what has made this, as `done` may
  /// lead to the next one.
  void on_ready();

 private:
  enum class Body : std::uint8_t { open, over, spoiled };
  void discard(std::string_view bytes);
  std::size_t take_chunked(std::string_view bytes);
  void read_body();
  void on_timer();

  Stream& client_;
  std::span<char> buffer_;
  Output answer_;
  ChunkedDecoder decoder_;
  bool chunked_;
  std::uint64_t left_;  // of a body whose length is given
  std::size_t discarded_ = 0;
  Body body_ = Body::open;
  Done done_;
  IdleTimer timer_;
};

}  // namespace culvert
