#include "host/local_clients.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

namespace culvert {
namespace {

// The columns of the table; some belong together and are parted by ':'.
constexpr std::size_t kRemote = 2;
constexpr std::size_t kInode = 9;

std::string_view column(std::string_view line, std::size_t wanted) {
  for (std::size_t i = 0;; ++i) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const std::string_view word = line.substr(0, line.find(' '));
    if (i == wanted || word.empty()) return word;
    line.remove_prefix(word.size());
  }
}

/// nullopt: there is no such file.
std::optional<std::string> read_table(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::string text;
  std::array<char, 16 * 1024> buffer;
  for (ssize_t count = 0; (count = read(fd, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  close(fd);
  return text;
}

}  // namespace

bool table_has_client(std::string_view table, std::uint16_t port) {
  while (!table.empty()) {
    const std::string_view line = table.substr(0, table.find('\n'));
    table.remove_prefix(std::min(line.size() + 1, table.size()));
    std::string_view remote = column(line, kRemote);
    remote.remove_prefix(std::min(remote.rfind(':') + 1, remote.size()));
    unsigned number = 0;
    std::from_chars(remote.data(), remote.data() + remote.size(), number, 16);
    const std::string_view inode = column(line, kInode);
    if (number == port && !inode.empty() && inode != "0") return true;
  }
  return false;
}

bool has_local_clients(const std::vector<HostPort>& listeners) {
  for (const HostPort& listener : listeners) {
    const auto table =
        read_table(listener.ip->is_v4() ? "/proc/self/net/tcp" : "/proc/self/net/tcp6");
    if (!table || table_has_client(*table, listener.port)) return true;
    // A program may reach an IPv4 address by a socket for both.
    const auto other = listener.ip->is_v4() ? read_table("/proc/self/net/tcp6") : std::nullopt;
    if (other && table_has_client(*other, listener.port)) return true;
  }
  return false;
}

}  // namespace culvert
