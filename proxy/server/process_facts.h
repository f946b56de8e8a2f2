#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace culvert {

/// What the kernel says of this process; nullopt where it does not.
struct ProcessFacts {
  std::chrono::microseconds cpu{0};                  ///< user and system, all threads
  std::optional<std::chrono::milliseconds> started;  ///< since 1970
  std::optional<std::uint64_t> resident_bytes;
  std::optional<std::uint64_t> descriptors;  ///< that are open
  std::optional<std::uint64_t> most_descriptors;
};

/// Reads them through files of /proc that it keeps open: a sandbox may close the way there.
class ProcessMeter {
 public:
  ProcessMeter();
  ~ProcessMeter();
  ProcessMeter(const ProcessMeter&) = delete;
  ProcessMeter& operator=(const ProcessMeter&) = delete;

  ProcessFacts facts() const;

 private:
  int status_;  // /proc/self/status
  std::optional<std::chrono::milliseconds> started_;
};

}  // namespace culvert
