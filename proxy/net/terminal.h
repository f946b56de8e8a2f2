#pragma once

namespace culvert {

/// The terminal of this session, if it has one.  One process group of the session has it: is in its
/// foreground, may read from it, and gets the signals that its keys make.
class Terminal {
 public:
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  bool exists() const { return fd_ >= 0; }
  /// Whether process group `group` has it.
  bool is_of(int group) const;
  /// Moves it from one group to another; false, and nothing is done, if `from` does not have it.
  bool move(int from, int to);

 private:
  int fd_;
};

}  // namespace culvert
