#include "host/listening.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/file_text.h"
#include "base/text.h"
#include "host/process_list.h"
#include "host/socket_table.h"

namespace culvert {
namespace {

constexpr std::string_view kName = "culvert";
constexpr std::string_view kDefaultUrl = "http://127.0.0.1:3128";
constexpr std::uint16_t kDefaultPort = 3128;

/// By inode.
using ListeningSockets = std::vector<std::pair<std::string, HostPort>>;

template <typename Number>
std::optional<Number> read_hex(std::string_view text) {
  Number number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Words of 32 bits in the byte order of the machine: "0100007F" on most is 127.0.0.1.
std::optional<IpAddress> read_address(std::string_view text) {
  if (text.size() != 8 && text.size() != 32) return std::nullopt;
  std::string octets;
  for (std::size_t i = 0; i < text.size() / 8; ++i) {
    const auto word = read_hex<std::uint32_t>(text.substr(8 * i, 8));
    if (!word) return std::nullopt;
    octets.append(reinterpret_cast<const char*>(&*word), sizeof *word);
  }
  return IpAddress::of_octets(octets);
}

/// "0100007F:0C38"
std::optional<HostPort> read_socket_address(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto address = read_address(text.substr(0, colon));
  const auto port = read_hex<std::uint16_t>(text.substr(colon + 1));
  if (!address || !port) return std::nullopt;
  HostPort read;
  read.host = address->to_string();
  read.port = *port;
  read.ip = *address;
  return read;
}

/// The listening sockets of one table of /proc/net, by inode (proc(5)).
void add_listening(const std::string& path, ListeningSockets& sockets) {
  const std::string table = file_text(path);
  for (const SocketRow& row : socket_rows(table)) {
    constexpr std::string_view kListening = "0A";
    if (row.state != kListening) continue;
    if (auto address = read_socket_address(row.local)) {
      sockets.emplace_back(row.inode, *std::move(address));
    }
  }
}

/// Each name in a folder that is a number, in order.
std::vector<int> numbers_in(const std::string& path) {
  std::vector<int> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), &closedir);
  while (const dirent* const entry = folder ? readdir(folder.get()) : nullptr) {
    if (const auto number = parse_number<int>(entry->d_name)) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

/// Where a link points to: "socket:[12345]"; empty if it cannot be read.
std::string link_text(const std::string& link) {
  std::array<char, 64> target;
  const ssize_t n = readlink(link.c_str(), target.data(), target.size());
  return {target.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0))};
}

/// Of "socket:[12345]"; empty for anything else.
std::string inode_of(const std::string& link) {
  const std::string text = link_text(link);
  constexpr std::string_view kBegin = "socket:[";
  if (!text.starts_with(kBegin) || !text.ends_with(']')) return {};
  return text.substr(kBegin.size(), text.size() - kBegin.size() - 1);
}

/// Whether a socket that listens there gets what is sent to `address`.
bool takes(const HostPort& listen, const HostPort& address) {
  if (listen.port != address.port) return false;
  if (listen == address || (listen.ip && listen.ip->is_unspecified())) return true;
  return address.host == "localhost" && listen.ip && listen.ip->is_loopback();
}

/// One that serves nobody, or with `run` one command alone.
bool is_private(const std::string& folder) {
  constexpr auto kCommands = std::to_array<std::string_view>({"run", "check", "setup", "status"});
  const std::string text = file_text(folder + "/cmdline");
  const std::string_view words = text;
  const std::size_t first = words.find('\0');
  if (first == std::string_view::npos) return false;
  std::string_view second = words.substr(first + 1);
  second = second.substr(0, second.find('\0'));
  return std::find(kCommands.begin(), kCommands.end(), second) != kCommands.end();
}

std::vector<HostPort> listens_of(const std::string& folder, const ListeningSockets& sockets) {
  std::vector<HostPort> listens;
  for (const int number : numbers_in(folder + "/fd")) {
    const std::string inode = inode_of(folder + "/fd/" + std::to_string(number));
    const auto found = std::find_if(sockets.begin(), sockets.end(),
                                    [&](const auto& socket) { return socket.first == inode; });
    if (found == sockets.end()) continue;
    // Each worker has a socket of its own for one port.
    if (std::find(listens.begin(), listens.end(), found->second) == listens.end()) {
      listens.push_back(found->second);
    }
  }
  return listens;
}

/// The lower, the better for clients on this machine.
int rank_of(const HostPort& address) {
  const bool local = address.ip && (address.ip->is_loopback() || address.ip->is_unspecified());
  return (address.port == kDefaultPort ? 0 : 2) + (local ? 0 : 1);
}

std::string url_for_clients(const HostPort& address) {
  const bool any = address.ip && address.ip->is_unspecified();
  if (!any) return "http://" + address.to_string();
  // An IPv6 socket takes IPv4 clients as well, unless it was told not to.
  return "http://127.0.0.1:" + std::to_string(address.port);
}

}  // namespace

std::vector<RunningCulvert> running_culverts(const std::string& root) {
  const std::string proc = (root.ends_with('/') ? root : root + "/") + "proc/";
  ListeningSockets sockets;
  add_listening(proc + "net/tcp", sockets);
  add_listening(proc + "net/tcp6", sockets);
  std::vector<RunningCulvert> culverts;
  for (const RunningProcess& process : running_processes(root)) {
    const std::string folder = proc + std::to_string(process.pid);
    if (process.name != kName || is_private(folder)) continue;
    culverts.push_back({process.pid, listens_of(folder, sockets)});
  }
  return culverts;
}

std::string url_of_running(const std::vector<RunningCulvert>& culverts) {
  const HostPort* best = nullptr;
  for (const RunningCulvert& culvert : culverts) {
    for (const HostPort& address : culvert.listens) {
      if (best == nullptr || rank_of(address) < rank_of(*best)) best = &address;
    }
  }
  return best == nullptr ? std::string(kDefaultUrl) : url_for_clients(*best);
}

bool is_served(const std::vector<RunningCulvert>& culverts, const HostPort& address) {
  const auto serves = [&](const HostPort& listen) { return takes(listen, address); };
  return std::any_of(culverts.begin(), culverts.end(), [&](const RunningCulvert& culvert) {
    return std::any_of(culvert.listens.begin(), culvert.listens.end(), serves);
  });
}

std::optional<bool> listens_in_network_of(int pid, const HostPort& address,
                                          const std::string& root) {
  const std::string proc = (root.ends_with('/') ? root : root + "/") + "proc/";
  const std::string folder = proc + std::to_string(pid);
  const std::string theirs = link_text(folder + "/ns/net");
  if (theirs.empty() || theirs == link_text(proc + "self/ns/net")) return std::nullopt;
  ListeningSockets sockets;
  add_listening(folder + "/net/tcp", sockets);
  add_listening(folder + "/net/tcp6", sockets);
  return std::any_of(sockets.begin(), sockets.end(),
                     [&](const auto& socket) { return takes(socket.second, address); });
}

}  // namespace culvert
