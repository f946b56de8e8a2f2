#include "commands/service_variables.h"

#include <string_view>

namespace culvert {

std::vector<std::string> service_variables(std::vector<std::string> variables,
                                           const std::vector<PassedSocket>& sockets, int own_pid,
                                           int child_pid) {
  const std::string own = std::to_string(own_pid);
  const std::string child = std::to_string(child_pid);
  for (std::string& variable : variables) {
    for (const std::string name : {"WATCHDOG_PID=", "SYSTEMD_EXEC_PID="}) {
      if (variable == name + own) variable = name + child;
    }
  }
  std::size_t count = 0;
  std::string names;
  for (const PassedSocket& socket : sockets) {
    // Another one is not a service manager's.
    if (!socket.label.starts_with(kFromSystemd)) continue;
    names += count++ == 0 ? "" : ":";
    names += std::string_view(socket.label).substr(kFromSystemd.size());
  }
  if (count == 0) return variables;
  variables.push_back("LISTEN_PID=" + child);
  variables.push_back("LISTEN_FDS=" + std::to_string(count));
  variables.push_back("LISTEN_FDNAMES=" + names);
  return variables;
}

}  // namespace culvert
