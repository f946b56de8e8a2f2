#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/host_port.h"

namespace culvert {

/// A culvert that serves other programs.
struct RunningCulvert {
  int pid = 0;
  std::vector<HostPort> listens;  ///< its TCP ports, in the order in which it opened them
};

/// All of this machine (and network namespace), but those of `culvert run` and of other commands.
/// `root` is where proc/ is found: "/" but in tests.  Of another user's process root alone sees the
/// ports: such a one has none here.
std::vector<RunningCulvert> running_culverts(const std::string& root = "/");

/// "http://127.0.0.1:3128": what clients on this machine shall use.  The port 3128 of a running
/// culvert if there is one, else its first that this machine's clients reach, on loopback if it has
/// one there; without any the default.
std::string url_of_running(const std::vector<RunningCulvert>& culverts);

/// Is `address` one at which a running culvert listens?
bool is_served(const std::vector<RunningCulvert>& culverts, const HostPort& address);

/// Whether something listens at `address`, of this machine, in the network namespace of a process;
/// nullopt if that is ours, or cannot be told.
std::optional<bool> listens_in_network_of(int pid, const HostPort& address,
                                          const std::string& root = "/");

}  // namespace culvert
