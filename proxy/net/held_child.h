#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace culvert {

/// A child process that was forked while this process still was as it had been started: with one
/// thread, and with the signals, limits and descriptors that it was given.  It waits for a word
/// before it runs its program, in a process group of its own.  It does not outlive us unnoticed: if
/// this process dies before it, its program gets SIGTERM; if before the word, it runs nothing.
class HeldChild {
 public:
  /// Called in the child: the variables of the program's environment, as NAME=VALUE.
  using Environment = std::function<std::vector<std::string>(const std::string& word)>;

  /// To be called before there is another thread.  `command` is a program, which is searched in
  /// PATH as a shell does, and its arguments.  The error's text is a clause.
  static Result<std::unique_ptr<HeldChild>> fork(std::vector<std::string> command,
                                                 const Environment& environment);
  /// Ends it, if it still waits.
  ~HeldChild();
  HeldChild(const HeldChild&) = delete;
  HeldChild& operator=(const HeldChild&) = delete;

  /// Also the number of its process group.
  int pid() const { return pid_; }
  /// Lets it run its program; `word` is not empty.
  void release(std::string_view word);
  /// Once it has ended: the errno with which its program could not be executed, or 0.
  int execution_error() const;

 private:
  HeldChild(int pid, int control) : pid_(pid), control_(control) {}

  int pid_;
  int control_;
  bool released_ = false;
};

}  // namespace culvert
