#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/given_listener.h"

namespace culvert {

/// The default listeners: 127.0.0.1:3128, and [::1]:3128 where there is IPv6, because clients may
/// try either for "localhost".
std::vector<ListenConfig> default_listen();

/// Reads the value of `--listen`: ADDR:PORT (IPv6 in brackets), PORT or localhost:PORT (both
/// loopback addresses), :PORT (every address), each of them maybe with http://, http-only:// or
/// https:// before it; unix:/path, systemd (every socket that the service manager passes) or
/// systemd:NAME (those of that name).  Options follow after a '?'.  Each problem found is appended
/// to `problems` without the value; the result is usable only if none was.
std::vector<ListenConfig> parse_listen(std::string_view value, std::vector<std::string>& problems);

/// The same, with the text.  nullopt if there is a problem.
std::optional<GivenListener> parse_given_listener(std::string_view value,
                                                  std::vector<std::string>& problems);

/// Whether clients on other hosts can connect.  Of a socket that systemd passes it is known only
/// when it is there: see Listeners.
bool is_reachable_by_others(const ListenConfig& listen);

}  // namespace culvert
