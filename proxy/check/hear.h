#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "check/walk.h"
#include "net/stream.h"

namespace culvert {

/// What came back on a connection.
struct Heard {
  enum class End {
    heard,   ///< bytes, enough of them
    silent,  ///< too few in time
    closed,  ///< the peer ended the connection
    over,    ///< the time of the walk ended before
  };

  End end = End::silent;
  std::string bytes;  ///< all that came
  std::chrono::milliseconds after{0};
};

/// Sends `bytes`, and listens until `enough` bytes have come, or a line if `until_line`; for
/// `limit` at most.
Heard hear(Walk& walk, Stream& stream, std::string_view bytes, std::chrono::milliseconds limit,
           std::size_t enough, bool until_line = false);

}  // namespace culvert
