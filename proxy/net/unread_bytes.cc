#include "net/unread_bytes.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/wiped_text.h"

namespace culvert {

UnreadBytes::~UnreadBytes() {
  if (bytes_) wipe_text(*bytes_);
}

std::size_t UnreadBytes::take(std::span<char> buffer) {
  const std::size_t count = std::min(buffer.size(), bytes_->size());
  std::memcpy(buffer.data(), bytes_->data(), count);
  if (count == bytes_->size()) {
    wipe_text(*bytes_);
    bytes_.reset();
  } else {
    bytes_->erase(0, count);
  }
  return count;
}

void UnreadBytes::put_back(std::string bytes) {
  if (bytes.empty()) return;
  if (bytes_) {
    append_wiping(bytes, *bytes_);
    wipe_text(*bytes_);
  }
  bytes_ = std::make_unique<std::string>(std::move(bytes));
  wipe_text(bytes);  // a short one was copied
}

}  // namespace culvert
