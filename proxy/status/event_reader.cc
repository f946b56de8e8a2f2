#include "status/event_reader.h"

#include <algorithm>
#include <utility>

namespace culvert {
namespace {

void append_bounded(std::string& out, std::string_view text) {
  const std::size_t room = EventReader::kMostData - std::min(out.size(), EventReader::kMostData);
  out += text.substr(0, room);
}

}  // namespace

std::vector<StreamEvent> EventReader::take(std::string_view bytes) {
  std::vector<StreamEvent> out;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    append_bounded(line_, bytes.substr(0, end));
    if (end == std::string_view::npos) break;
    bytes.remove_prefix(end + 1);
    std::string_view line = line_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    take_line(line, out);
    line_.clear();
  }
  return out;
}

void EventReader::take_line(std::string_view line, std::vector<StreamEvent>& out) {
  if (line.empty()) {
    if (std::exchange(has_data_, false)) out.push_back(std::move(event_));
    event_ = {};
    return;
  }
  const std::size_t colon = std::min(line.find(':'), line.size());
  const std::string_view name = line.substr(0, colon);
  std::string_view value = line.substr(std::min(colon + 1, line.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "event") {
    event_.name = value;
  } else if (name == "data") {
    if (std::exchange(has_data_, true)) append_bounded(event_.data, "\n");
    append_bounded(event_.data, value);
  }
}

}  // namespace culvert
