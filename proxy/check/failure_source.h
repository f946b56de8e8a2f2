#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace culvert {

/// Requests of others that failed in a culvert.
struct SeenFailures {
  struct One {
    std::string what;   ///< a target, "gcr.io:443", or an upstream's name
    std::string cause;  ///< a sentence
    std::string fix;    ///< as CheckStep has it
  };
  std::string who;                ///< "the culvert of process 4242"
  std::vector<One> failures{};    ///< newest first
  std::vector<One> down{};        ///< upstreams
  bool may_not_be_asked = false;  ///< it is another user's
  bool is_silent = false;         ///< it does not answer
};

/// Tells what failed in the culvert that runs on this machine.
class FailureSource {
 public:
  /// Since `begun`.  nullopt: there is none.
  virtual std::optional<SeenFailures> failures_since(
      std::chrono::system_clock::time_point begun) = 0;

 protected:
  ~FailureSource() = default;
};

}  // namespace culvert
