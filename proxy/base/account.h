#pragma once

#include <optional>
#include <string>

namespace culvert {

// Accounts of this machine, as /etc/passwd, /etc/group and what stands beside them in nsswitch.conf
// have them.  Looking one up may wait for a server, so it is for the start.

/// The number of a user; `name` may be a number already.  nullopt: there is none.
std::optional<unsigned> user_number(const std::string& name);
/// The same of a group.
std::optional<unsigned> group_number(const std::string& name);

}  // namespace culvert
