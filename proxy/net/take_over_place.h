#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace culvert {

/// The unix socket at which a new culvert asks this one for its listening sockets (--take-over).
/// Its name begins with network_prefix().  Only our own user can reach it.  Removed with the
/// object.
class TakeOverPlace {
 public:
  /// Bound, but nobody gets in yet.  The error's text is a sentence.
  static Result<std::unique_ptr<TakeOverPlace>> make(const std::string& directory);
  ~TakeOverPlace();
  TakeOverPlace(const TakeOverPlace&) = delete;
  TakeOverPlace& operator=(const TakeOverPlace&) = delete;

  /// From now on one can ask.
  void open();
  int fd() const { return fd_; }

 private:
  explicit TakeOverPlace(int fd) : fd_(fd) {}

  int fd_;
  std::string path_;  // empty: not bound
};

}  // namespace culvert
