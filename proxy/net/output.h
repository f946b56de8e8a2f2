#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "net/stream.h"

namespace culvert {

/// Writes `bytes` from offset `written` on, and moves `written` along.  ok: all is written, now or
/// before; would_block: to be called again after on_ready(); error: that of Stream::try_write().
[[nodiscard]] Io write_rest(Stream& stream, std::string_view bytes, std::size_t& written);

/// Bytes for a stream, and how many of them it has taken.  Keeps its memory when it runs empty.
class Output {
 public:
  Output() = default;
  explicit Output(std::string bytes) : bytes_(std::move(bytes)) {}

  /// Writes what is left, see write_rest(); after ok it is empty().
  [[nodiscard]] Io write_to(Stream& stream);

  /// To append to.  Begins with what is written already, unless all was.
  std::string& bytes() { return bytes_; }
  /// Nothing is left to write.
  bool empty() const { return bytes_.empty(); }
  /// What is left to write.
  std::string_view rest() const { return std::string_view(bytes_).substr(written_); }
  /// How many bytes are left to write.
  std::size_t left() const { return bytes_.size() - written_; }
  /// Some of it is written, and some is left.
  bool begun() const { return written_ > 0; }

  /// Drops what is left, and memory beyond `room` bytes.
  void clear_keeping(std::size_t room);
  void clear() { clear_keeping(std::string::npos); }

 private:
  std::string bytes_;
  std::size_t written_ = 0;  // less than the size, or 0
};

}  // namespace culvert
