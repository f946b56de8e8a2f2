#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/breaker.h"
#include "policy/minute_count.h"

namespace culvert {

/// What is remembered of an upstream that may grant tunnels before it has connected to their
/// target: v2ray, shadowsocks, trojan, plink -D and stunnel do, and what follows then is the end of
/// the tunnel before its first byte.  A target that hangs up at once looks the same, so one such
/// end proves nothing; but those of several targets in a row, with no byte of any in between, are
/// the upstream's.  Has no clock and no lock.
class EarlyGrants {
 public:
  using Time = Breaker::Time;

  /// For how long they are remembered after the last one.
  static constexpr std::chrono::minutes kRemembered{10};
  /// How long others are preferred once as many targets as prove it have failed in a row.
  static constexpr std::chrono::minutes kPause{1};
  static constexpr std::size_t kProof = 3;

  /// A tunnel to `target` was granted, and was ended by the upstream's side before its first byte.
  /// `target` may be empty: then it counts as no proof.  Returns how often so far if that is to be
  /// logged, at most once a minute.
  std::optional<std::uint64_t> note(std::string_view target, Time now);
  /// The same, of a probe, which has a log line of its own.
  void note_probe(Time now) { remember(now); }
  /// A tunnel that began at `begun` has brought a byte.
  void brought_byte(Time begun);

  std::uint64_t total() const { return count_.total(); }
  /// Of those that are remembered.
  std::size_t lately(Time now) const;
  bool pauses(Time now) const { return now < pause_until_; }
  bool any() const { return last_.has_value(); }

 private:
  void remember(Time now);

  MinuteCount count_;
  std::size_t lately_ = 0;
  std::optional<Time> last_;
  std::vector<std::string> targets_;  // different ones, since a byte was brought
  Time pause_until_{};
};

}  // namespace culvert
