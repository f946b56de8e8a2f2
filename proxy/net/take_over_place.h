#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace culvert {

/// Where the sockets of TakeOverPlace are: $RUNTIME_DIRECTORY (of systemd), for root /run/culvert,
/// for others $XDG_RUNTIME_DIR/culvert or /tmp/culvert-UID.
std::string take_over_directory();

/// Makes the directory if need be.  An error, a sentence, if somebody else could write to it.
Result<void> prepare_take_over_directory(const std::string& directory);

/// How the names of sockets begin that belong to our network namespace: there the same address is
/// the same listener.
std::string take_over_prefix();

/// The unix socket at which a new culvert asks this one for its listening sockets (--take-over).
/// Only our own user can reach it.  Removed with the object.
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
