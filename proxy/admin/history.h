#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "admin/rates.h"
#include "net/loop.h"

namespace culvert {

/// How much has moved each way in the last ten minutes.
class History {
 public:
  using Time = Loop::Clock::time_point;
  static constexpr std::chrono::seconds kInterval{5};
  static constexpr std::size_t kMost = 120;

  /// All bytes so far.  To be called once in each interval; one that was missed ends the history.
  void look(std::uint64_t up, std::uint64_t down, Time now);
  /// Oldest first; each over an interval that ends kInterval after the one before.
  const std::vector<Rate>& rates() const { return rates_; }
  /// Of the last one; meaningful if there is one.
  Time end() const { return last_; }

 private:
  bool begun_ = false;
  std::uint64_t up_ = 0;
  std::uint64_t down_ = 0;
  Time last_;
  std::vector<Rate> rates_;
};

}  // namespace culvert
