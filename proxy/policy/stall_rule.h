#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"

namespace culvert {

/// What a session in which nothing moves has at a moment.
struct StallSigns {
  /// Bytes that were read for a side and that it has not acknowledged.
  struct Waiting {
    std::uint64_t here = 0;
    std::uint64_t in_kernel = 0;
    std::uint64_t sum() const { return here + in_kernel; }
  };
  Waiting for_client;
  Waiting for_upstream;
  /// Of a tunnel: how much went up since the last byte came down, and in the last burst of that;
  /// how much has come down in all.
  std::uint64_t unanswered = 0;
  std::uint64_t last_burst = 0;
  std::uint64_t received = 0;
  /// The upstream sends nothing more; or the session sends on what it has, and ends.
  bool upstream_finished = false;
  std::optional<Side> owes;  ///< of a plain request: whose next bytes are awaited
  bool paced = false;        ///< bytes are there, and we do not let them pass (Pacer)
};

/// What a side of a session in which nothing moves does not do, although it could.
enum class Idleness : std::uint8_t {
  does_not_read,         ///< bytes wait for it, and it answers
  does_not_acknowledge,  ///< bytes are under way to it, and no answer comes back
  does_not_send,         ///< it owes an answer, or the rest of a message
};
/// "does_not_read".
std::string_view name_of(Idleness what);

/// Why nothing moves in a session.
enum class StuckOn : std::uint8_t {
  nothing,              ///< nothing needs to move
  client_takes,         ///< bytes wait for the client
  upstream_takes,       ///< bytes wait for the upstream
  upstream_unanswered,  ///< what went up in a tunnel may be a request, and no byte came back
  client_owes,          ///< a plain request is not complete
  upstream_owes,        ///< the answer to one is not complete
};

/// What to think of these signs.  An idle connection of HTTP/2 sends WINDOW_UPDATE and PING (RFC
/// 9113), some forty bytes each in TLS, for which no answer is due: only what is larger than a few
/// of them is taken for a request, be there many in small bursts or not.
StuckOn stuck_on(const StallSigns& signs);

/// One session that may be stalled, as long as it is looked at: it is once it has been stuck for
/// the limit's time, and nothing was acknowledged meanwhile.
class StallCase {
 public:
  using Time = std::chrono::steady_clock::time_point;

  enum class News : std::uint8_t {
    none,
    stalled,      ///< it is, from now on
    moves_again,  ///< it was, until now
  };

  /// `moved`: when bytes last went through us.
  explicit StallCase(Time moved) : moved_(moved), since_(moved) {}

  /// To be called every now and then.
  News look(const StallSigns& signs, Time moved, Time now, std::chrono::milliseconds limit);
  bool stalled() const { return stalled_; }
  /// It has stalled for want of an answer, and none has come: what goes up since then may be a
  /// protocol in which none is due, and is no news.
  bool has_told() const { return told_; }
  /// Since when nothing has moved; after News::moves_again, how long nothing had is lasted().
  Time since() const { return since_; }
  std::chrono::milliseconds lasted() const { return lasted_; }
  StuckOn on() const { return on_; }

 private:
  Time moved_;
  Time since_;
  std::uint64_t for_client_ = 0;  // what waited at the last look
  std::uint64_t for_upstream_ = 0;
  std::uint64_t received_ = 0;
  std::chrono::milliseconds lasted_{0};
  StuckOn on_ = StuckOn::nothing;
  bool stalled_ = false;
  bool told_ = false;  // see has_told()
};

}  // namespace culvert
