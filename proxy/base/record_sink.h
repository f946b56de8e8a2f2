#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace culvert {

/// Takes records, each as a whole or not at all.  Any thread may call it.
class RecordSink {
 public:
  struct Sent {
    std::size_t records = 0;  ///< so many of the first were taken
    int error = 0;            ///< why the next was not: an errno; EAGAIN: it may be tried again
  };

  virtual ~RecordSink() = default;
  /// Never blocks.
  virtual Sent send(std::span<const std::string_view> records) = 0;
};

}  // namespace culvert
