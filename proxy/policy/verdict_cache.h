#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace culvert {

/// Verdicts about passwords, so that not every request pays for a check.  A key is a keyed hash of
/// user, password and what the password file says of the user: it tells nothing about them, and an
/// entry that changes in the file has another key.  Bounded; what is old makes room.
class VerdictCache {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Key = std::array<std::uint8_t, 16>;

  static constexpr std::chrono::minutes kRightFor{10};
  /// Short: only for clients that repeat a wrong one.
  static constexpr std::chrono::minutes kWrongFor{1};
  static constexpr std::size_t kSets = 512;
  static constexpr std::size_t kWays = 4;  ///< verdicts in a set

  std::optional<bool> find(const Key& key, Time now) const;
  void add(const Key& key, bool right, Time now);

 private:
  struct Entry {
    Key key{};
    Time until{};  ///< long ago: there is none
  };
  /// Right ones and wrong ones apart, as somebody who guesses brings any number of wrong ones.
  using Table = std::vector<Entry>;
  static std::size_t set_of(const Key& key);
  static const Entry* find_in(const Table& table, const Key& key, Time now);

  Table right_;  // empty until the first one
  Table wrong_;
};

}  // namespace culvert
