#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace culvert {

/// The variables by which a service manager asks to be told (sd_notify(3), sd_watchdog_enabled(3));
/// nullopt: not set.
struct NotifyVariables {
  std::optional<std::string> socket;         ///< NOTIFY_SOCKET
  std::optional<std::string> watchdog_usec;  ///< WATCHDOG_USEC
  std::optional<std::string> watchdog_pid;   ///< WATCHDOG_PID
};

/// Where a service manager, as systemd, is told how this service is: one datagram for each notice.
class ServiceNotice {
 public:
  enum class Sent { yes, later, never };

  /// Nobody wants to know.
  ServiceNotice() = default;
  ServiceNotice(const NotifyVariables& variables, pid_t own_pid);
  ServiceNotice(ServiceNotice&& other) noexcept;
  ServiceNotice& operator=(ServiceNotice&& other) noexcept;
  ~ServiceNotice();

  /// As the environment has it.
  static ServiceNotice of_environment();
  /// Removes the variables, so that no child speaks for us.  To be called before there is another
  /// thread.
  static void clean_environment();

  /// Whether somebody wants to know.
  bool wanted() const { return fd_ >= 0; }
  /// Why nobody is told although NOTIFY_SOCKET is set, a sentence; empty: no such problem.
  const std::string& problem() const { return problem_; }
  /// A loop that has not turned for so long is to be taken for stuck; nullopt: nobody watches.
  std::optional<std::chrono::microseconds> watchdog() const { return watchdog_; }

  /// Sends lines such as "READY=1" as one notice.  Does not wait: `later` if there is no room.
  Sent send(std::string_view lines) const;

 private:
  std::string address_;  // '@' as the first character stands for the NUL of an abstract one
  int fd_ = -1;
  std::string problem_;
  std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace culvert
