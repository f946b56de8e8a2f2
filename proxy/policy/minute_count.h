#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "policy/breaker.h"

namespace culvert {

/// Counts events that are worth a log line once a minute.
class MinuteCount {
 public:
  /// How many so far if that is to be logged now.
  std::optional<std::uint64_t> note(Breaker::Time now) {
    ++total_;
    if (logged_ && now - *logged_ < std::chrono::minutes(1)) return std::nullopt;
    logged_ = now;
    return total_;
  }
  std::uint64_t total() const { return total_; }

 private:
  std::uint64_t total_ = 0;
  std::optional<Breaker::Time> logged_;
};

}  // namespace culvert
