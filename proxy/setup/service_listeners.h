#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "setup/plan.h"

namespace culvert {

class ServiceFiles;

/// `systemd:` and the name that the sockets of our unit have (FileDescriptorName=).
inline constexpr std::string_view kOwnSocket = "systemd:culvert.socket";

/// Where the service listens.  What systemd can hold for it is in the socket unit, so that a
/// restart refuses nobody: TCP without options, and unix sockets, whose mode and owner systemd
/// sets.  The rest, with its options, it binds itself.
struct ServiceListeners {
  std::vector<std::string> config;  ///< the values of `listen` in culvert.toml
  std::string socket;               ///< the lines of [Socket], with their ends; empty: no such unit
  bool needs_network = false;       ///< it binds an address that comes with the network
  std::vector<std::string> problems;
  std::vector<std::string> notes;
};

ServiceListeners service_listeners(const SetupFacts& facts, ServiceFiles& files);

/// The listeners of a socket unit that was made so, as --listen has them, without that of --bridge.
struct SocketUnit {
  std::vector<std::string> listeners;
  std::string bridge;  ///< its address; empty: none
};
SocketUnit read_socket_unit(std::string_view text);

}  // namespace culvert
