#include "host/local_clients.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>

#include "base/file_text.h"
#include "host/socket_table.h"

namespace culvert {
namespace {

/// A table has no size, and each connection of this machine a line.
constexpr std::size_t kWhole = std::numeric_limits<std::size_t>::max();

}  // namespace

bool table_has_client(std::string_view table, std::uint16_t port) {
  for (const SocketRow& row : socket_rows(table)) {
    std::string_view remote = row.remote;
    remote.remove_prefix(std::min(remote.rfind(':') + 1, remote.size()));
    unsigned number = 0;
    std::from_chars(remote.data(), remote.data() + remote.size(), number, 16);
    if (number == port && row.inode != "0") return true;
  }
  return false;
}

bool has_local_clients(const std::vector<HostPort>& listeners) {
  for (const HostPort& listener : listeners) {
    const auto table =
        file_text(listener.ip->is_v4() ? "/proc/self/net/tcp" : "/proc/self/net/tcp6", kWhole);
    if (!table || table_has_client(*table, listener.port)) return true;
    // A program may reach an IPv4 address by a socket for both.
    const auto other =
        listener.ip->is_v4() ? file_text("/proc/self/net/tcp6", kWhole) : std::nullopt;
    if (other && table_has_client(*other, listener.port)) return true;
  }
  return false;
}

}  // namespace culvert
