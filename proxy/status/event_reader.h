#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace culvert {

/// One event of a stream (HTML standard, section 9.2 "Server-sent events").
struct StreamEvent {
  std::string name;  ///< empty: it has none
  std::string data;  ///< its lines joined by line feeds
};

/// Reads a stream of events: bytes in, events out.  Comments and fields other than event and data
/// are passed over.  A line ends in LF or CRLF.
class EventReader {
 public:
  /// A longer event is cut.
  static constexpr std::size_t kMostData = 256 * 1024;

  /// The events that `bytes` complete.
  std::vector<StreamEvent> take(std::string_view bytes);

 private:
  void take_line(std::string_view line, std::vector<StreamEvent>& out);

  std::string line_;  // that is not complete
  StreamEvent event_;
  bool has_data_ = false;
};

}  // namespace culvert
