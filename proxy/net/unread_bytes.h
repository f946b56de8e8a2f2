#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace culvert {

/// What a reader of a stream gave back, to be read again before all else.  Bytes are overwritten
/// once they are read: they may be what precedes a tunnel, with a password.
class UnreadBytes {
 public:
  UnreadBytes() = default;
  ~UnreadBytes();
  UnreadBytes(const UnreadBytes&) = delete;
  UnreadBytes& operator=(const UnreadBytes&) = delete;

  bool empty() const { return bytes_ == nullptr; }
  /// Reads as many as there are and `buffer` holds; returns how many.  Not if empty().
  std::size_t take(std::span<char> buffer);
  /// `bytes` come before those that are there.
  void put_back(std::string bytes);

 private:
  std::unique_ptr<std::string> bytes_;  // not empty
};

}  // namespace culvert
