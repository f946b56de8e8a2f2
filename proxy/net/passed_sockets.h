#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace culvert {

/// A listening socket that another process has opened and passes on to one that it starts.
struct PassedSocket {
  int fd = -1;
  /// Which `--listen` it is of: ListenConfig::to_string(), or "systemd:NAME".
  std::string label;

  friend bool operator==(const PassedSocket&, const PassedSocket&) = default;
};

/// The variables by which systemd passes sockets (sd_listen_fds(3)); nullopt: not set.
struct ListenVariables {
  std::optional<std::string> pid;    ///< LISTEN_PID
  std::optional<std::string> fds;    ///< LISTEN_FDS
  std::optional<std::string> names;  ///< LISTEN_FDNAMES
};

/// How the label of one that systemd passes begins; its name follows.
inline constexpr std::string_view kFromSystemd = "systemd:";

/// The sockets that systemd passes to the process `own_pid`, one at least.  The error's text is a
/// sentence without its subject.
Result<std::vector<PassedSocket>> read_listen_variables(const ListenVariables& variables,
                                                        int own_pid);

/// What a culvert passes on to its successor, as a variable of the successor's environment.
struct HandoverVariable {
  static constexpr const char* kName = "CULVERT_HANDOVER";

  int predecessor_pid = 0;
  int control = -1;  ///< the descriptor of Predecessor
  std::vector<PassedSocket> sockets;

  std::string to_string() const;
  /// nullopt for what to_string() cannot have made.
  static std::optional<HandoverVariable> parse(std::string_view text);
};

/// What this process was given at its start.
struct Inheritance {
  std::vector<PassedSocket> sockets;
  std::string none_from_systemd;  ///< why there is none from systemd, see read_listen_variables()
  int control = -1;               ///< for Predecessor; -1: nobody hands over to this process
};

/// Reads the variables named above and removes them, so that no child takes them for its own.  The
/// descriptors get FD_CLOEXEC; what is not open is left out.  To be called once, before there is
/// another thread.
Inheritance take_inheritance();

}  // namespace culvert
