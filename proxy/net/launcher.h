#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/callback.h"
#include "base/result.h"
#include "net/loop.h"

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
/// ends with this object, or with finish().  Nothing here waits for it.
class Launcher final : private Pollable {
 public:
  /// How a process that it has started has ended.
  struct End {
    int pid = 0;
    int status = 0;
    int signal = 0;  ///< 0: none
  };

  /// Who has it start the program.  Each of these may destroy the client.
  class Client {
   public:
    /// The program's pid, or why there is none: a clause.
    virtual void on_started(const Result<int>& pid) = 0;
    virtual void on_ended(const End& end) = 0;
    /// It has ended, and tells nothing any more.
    virtual void on_launcher_gone() = 0;

   protected:
    ~Client() = default;
  };

  /// To be called while there is one thread.  What it starts gets the environment of this moment,
  /// without a WATCHDOG_PID that names us.
  static Result<std::unique_ptr<Launcher>> fork(const Invocation& invocation);
  ~Launcher();
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  /// From now on, until finish(), what it tells is heard.  `gone` is called if it ends on its own.
  void attend(Loop& loop, Callback<void()> gone);

  /// Has it start the program with our standard streams, `descriptors` as 3 and up, and one more
  /// variable; `client` hears of it later, until it is forgotten.  The error's text is a clause.
  /// One at a time: the one before has ended, or is killed.
  Result<void> start(const std::string& variable, const std::string& value,
                     const std::vector<int>& descriptors, Client& client);
  /// The client hears no more.
  void forget_client() { client_ = nullptr; }
  /// The same before on_started(): the program is killed as soon as it is started.  Until then
  /// `control`, which becomes ours, stays open.
  void abandon(int control);

  /// Ends it; what it has started is nobody's child then.
  void finish();
  bool is_gone() const { return control_ < 0; }

  pid_t pid() const { return pid_; }
  /// "process 7 (culvert-launch)"
  std::string name() const;
  /// Why on_started() is not called in time, a clause.
  std::string silence() const;

 private:
  struct Report;
  class Process;

  Launcher(pid_t pid, int control) : pid_(pid), control_(control) {}
  void on_poll(std::uint32_t events) override;
  void on_report(const Report& report);
  void on_gone();

  pid_t pid_;
  int control_;  // -1: it is gone
  Loop* loop_ = nullptr;
  Callback<void()> gone_;
  Client* client_ = nullptr;
  bool starting_ = false;  // it has not told of it yet
  int kept_ = -1;          // see abandon()
};

}  // namespace culvert
