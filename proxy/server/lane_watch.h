#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "policy/upstream_load.h"
#include "server/session_rounds.h"
#include "session/session.h"
#include "session/session_facts.h"

namespace culvert {

/// Tells the upstreams' loads what the sessions of one worker are doing in them: how many are idle,
/// and how much moves.  Only while a route is balanced by that; looks at all sessions each second,
/// so that what moves bytes knows nothing of it.
class LaneWatch : private SessionRounds::Visitor {
 public:
  using Sessions = SessionRounds::Sessions;

  /// What has moved so many bytes is a long transfer, see UpstreamLoad::delivers().
  static constexpr std::uint64_t kLong = 256 * 1024;

  /// See SessionRounds.
  LaneWatch(Loop& loop, const Sessions& sessions)
      : loop_(loop), sessions_(sessions), rounds_(loop, sessions, *this) {}
  ~LaneWatch() override { withdraw(); }
  LaneWatch(const LaneWatch&) = delete;
  LaneWatch& operator=(const LaneWatch&) = delete;

  /// From now on by the configuration of `newest`.
  void follow(const SessionContext& newest);
  /// A session has begun.
  void on_session() {
    if (wanted_ && !rounds_.running()) wake();
  }
  /// No session is left.
  void rest();

 private:
  using Time = SessionRounds::Time;
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
  void begin_round() override;
  void look(Session& session, Time now) override;
  void end_round() override;
  Lane& lane_of(const std::shared_ptr<UpstreamLoad>& load);
  void tell();
  void withdraw();

  Loop& loop_;
  const Sessions& sessions_;
  bool wanted_ = false;
  SessionRounds rounds_;  // while it is wanted and there are sessions
  std::vector<Lane> lanes_;
  /// Bytes that long transfers had moved, by the id of the session: of this round, and of the one
  /// before.
  std::unordered_map<std::uint64_t, std::uint64_t> seen_;
  std::unordered_map<std::uint64_t, std::uint64_t> seen_before_;
};

}  // namespace culvert
