// A check of passwords that takes the time that a test wants.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>

#include "base/secret.h"

namespace culvert::test {

inline std::atomic<bool> held{false};  ///< checks wait until it is false
inline std::atomic<int> checking{0};   ///< how many are under way

/// "s3cret" is right.
inline bool matches_when_let(const Secret& password, const Secret&) {
  ++checking;
  while (held) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  --checking;
  return password.reveal() == "s3cret";
}

}  // namespace culvert::test
