#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace culvert {

/// How this process was started, and how its successor is.
struct Invocation {
  std::string program;                 ///< argv[0]
  std::vector<std::string> arguments;  ///< the others

  static Invocation of(int argc, const char* const* argv);
};

/// The file to start for `program`, as it is found now: after an upgrade it is another one.
std::string program_file(const std::string& program);

/// A process beside this one, forked before this one gives up its rights (net/sandbox): it has them
/// still, and does one thing with them, to start the same program anew as this one was started.  It
/// ends with this object.
class Launcher {
 public:
  /// How a process that it has started has ended.
  struct End {
    int pid = 0;
    int status = 0;
    int signal = 0;  ///< 0: none
  };

  /// To be called while there is one thread.  What it starts gets the environment of this moment,
  /// without a WATCHDOG_PID that names us.
  static Result<std::unique_ptr<Launcher>> fork(const Invocation& invocation);
  ~Launcher();
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  /// Starts the program with our standard streams, `descriptors` as 3 and up, and one more
  /// variable. Returns its pid; the error's text is a clause.  One at a time: the one before has
  /// ended, or is killed.
  Result<int> start(const std::string& variable, const std::string& value,
                    const std::vector<int>& descriptors);

  /// Readable when there is an end to be told, or the launcher is gone.
  int descriptor() const { return control_; }
  /// nullopt: nothing yet, or the launcher is gone.
  std::optional<End> end() const;
  bool is_gone() const { return gone_; }

  /// Ends it; what it has started is nobody's child then.
  void finish();

  pid_t pid() const { return pid_; }

 private:
  Launcher(pid_t pid, int control) : pid_(pid), control_(control) {}

  pid_t pid_;
  int control_;
  mutable bool gone_ = false;
};

}  // namespace culvert
