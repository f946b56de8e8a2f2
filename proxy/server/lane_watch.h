#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "net/ticker.h"
#include "policy/upstream_load.h"
#include "session/session.h"

namespace culvert {

/// Tells the upstreams' loads what the sessions of one worker are doing in them: how many are idle,
/// and how much moves.  Only while a route is balanced by that; looks at all sessions each second,
/// in parts that do not hold the loop up, so that what moves bytes knows nothing of it.
class LaneWatch {
 public:
  using Sessions = std::vector<std::unique_ptr<Session>>;

  /// What nothing has moved in for so long is idle.
  static constexpr std::chrono::seconds kIdle{2};
  /// What has moved so many bytes is a long transfer, see UpstreamLoad::delivers().
  static constexpr std::uint64_t kLong = 256 * 1024;

  /// `sessions` are the worker's; one that ends gives its place to the last one.
  LaneWatch(Loop& loop, const Sessions& sessions)
      : loop_(loop),
        sessions_(sessions),
        ticker_(loop, Callback<void()>::to<&LaneWatch::on_tick>(this)) {}
  ~LaneWatch() { withdraw(); }

  /// From now on by the configuration of `newest`.
  void follow(const SessionContext& newest);
  /// A session has begun.
  void on_session() {
    if (wanted_ && !ticker_.running()) wake();
  }
  /// No session is left.
  void rest();

 private:
  using Time = Loop::Clock::time_point;
  /// What this worker's sessions do in one upstream.
  struct Lane {
    std::shared_ptr<UpstreamLoad> load;
    std::int64_t idle = 0;
    std::int64_t moved = 0;  // bytes since the last look
    bool delivers = false;
    // What `load` was told.
    std::int64_t told_idle = 0;
    std::int64_t told_rate = 0;
  };

  [[gnu::cold]] void wake();
  void on_tick();
  void begin();
  void look_at_some();
  void look(const Session& session, Time now);
  Lane& lane_of(const std::shared_ptr<UpstreamLoad>& load);
  void tell();
  void withdraw();

  Loop& loop_;
  const Sessions& sessions_;
  bool wanted_ = false;
  Ticker ticker_;  // while it is wanted and there are sessions
  Time begun_{};   // when the present walk began, or the last one ...
  Time begun_before_{};
  std::size_t next_ = 0;  // the walk goes on below this index; 0: it is over
  std::vector<Lane> lanes_;
  /// Bytes that long transfers had moved, by the id of the session: of this walk, and of the one
  /// before.
  std::unordered_map<std::uint64_t, std::uint64_t> seen_;
  std::unordered_map<std::uint64_t, std::uint64_t> seen_before_;
};

}  // namespace culvert
