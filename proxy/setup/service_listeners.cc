#include "setup/service_listeners.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/host_port.h"
#include "base/text.h"
#include "config/listen_url.h"
#include "setup/bridge.h"
#include "setup/listeners.h"
#include "setup/service_files.h"

namespace culvert {
namespace {

using Kind = ListenConfig::Kind;

constexpr std::string_view kStream = "ListenStream=";
constexpr std::string_view kMode = "SocketMode=";
constexpr std::string_view kUser = "SocketUser=";
constexpr std::string_view kGroup = "SocketGroup=";
/// What says them in a unit, and behind '?'.
constexpr auto kFileKeys = std::to_array<std::pair<std::string_view, std::string_view>>(
    {{kMode, "mode="}, {kUser, "owner="}, {kGroup, "group="}});
constexpr std::string_view kFreeBind = "FreeBind=yes";
/// Before its address; a ListenStream= that follows was not given, but added.
constexpr std::string_view kBridgeMark = "# --bridge ";
constexpr std::string_view kDefaultListenIPv6 = "[::1]:3128";
constexpr std::uint16_t kFirstForAll = 1024;  // ip_unprivileged_port_start, ip(7)

/// systemd replaces what begins with '%'.
std::string with_doubled_percent(std::string_view text) {
  std::string doubled;
  for (const char c : text) doubled.append(c == '%' ? 2 : 1, c);
  return doubled;
}

std::string without_doubled_percent(std::string_view text) {
  std::string single;
  for (std::size_t i = 0; i < text.size(); ++i) {
    single += text[i];
    if (text.substr(i).starts_with("%%")) ++i;
  }
  return single;
}

/// A backslash at its end would join the next line to it, and blanks there are lost.
bool fits_line(std::string_view text) {
  return !has_control(text) && !text.ends_with('\\') && !text.ends_with(' ');
}

bool has_options_of_tcp(const ListenConfig& listen) {
  return !listen.certificates.empty() || listen.proxy_protocol;
}

/// Mode and owner of a unix socket's file.
std::string file_lines(const ListenConfig& listen) {
  constexpr unsigned kOfOwner = 0600;
  constexpr unsigned kOfGroup = 0660;
  const unsigned mode = listen.mode.value_or(listen.group.empty() ? kOfOwner : kOfGroup);
  std::string lines(kMode);
  for (const int shift : {9, 6, 3, 0}) lines += static_cast<char>('0' + ((mode >> shift) & 7U));
  lines += '\n';
  const auto add = [&](std::string_view key, std::string_view name) {
    if (!name.empty()) lines.append(key).append(with_doubled_percent(name)).append("\n");
  };
  add(kUser, listen.owner);
  add(kGroup, listen.group);
  return lines;
}

/// `address` is a value of ListenStream=.
void add_listener_of(const std::string& address, SocketUnit& unit) {
  std::vector<std::string>& listeners = unit.listeners;
  if (address.starts_with('/')) {
    listeners.push_back("unix:" + address);
  } else if (const auto parsed = HostPort::parse(address)) {
    const std::string port = ":" + std::to_string(parsed->port);
    const bool pair =
        parsed->host == "::1" && !listeners.empty() && listeners.back() == "127.0.0.1" + port;
    if (pair) listeners.pop_back();
    listeners.push_back(pair ? "localhost" + port : parsed->to_string());
  } else if (parse_number<std::uint16_t>(address)) {
    listeners.push_back(":" + address);
  }
}

/// Sorts listeners into what systemd holds and what the service binds.
class ListenerSorter {
 public:
  ListenerSorter(const SetupFacts& facts, ServiceFiles& files) : facts_(facts), files_(files) {}

  ServiceListeners sort() {
    for (const GivenListener& given : facts_.listeners) add(given);
    const bool default_socket = facts_.listeners.empty() || (own_socket_ && streams_.empty());
    if (default_socket) add_pair(kDefaultListen, kDefaultListenIPv6);
    add_bridge();
    if (!streams_.empty()) {
      // Its FileDescriptorName= is its own name, and "systemd" would be every socket.
      out_.config.insert(out_.config.begin(), std::string(named_ ? kOwnSocket : "systemd"));
      out_.socket = streams_ + file_lines_ + (free_bind_ ? concat({kFreeBind, "\n"}) : "");
    }
    return std::move(out_);
  }

 private:
  void add(const GivenListener& given) {
    const ListenConfig& listen = given.listen;
    const bool plain = given.text.find('?') == given.text.npos;
    if (listen.kind == Kind::systemd) return add_passed(given, plain);
    if (listen.kind == Kind::unix_socket) return add_unix(given);
    if (plain && listen.speaks == ListenConfig::Speaks::any) return add_tcp(given);
    covers_bridge_ = covers_bridge_ || listen.address.host == facts_.bridge ||
                     listen.address.ip->is_unspecified();
    if (listen.address.port < kFirstForAll) {
      problem(given,
              "the service may bind no port below 1024: make a .socket unit for it, and "
              "give --listen systemd:NAME with these options");
    }
    out_.needs_network = out_.needs_network ||
                         !(listen.address.ip->is_loopback() || listen.address.ip->is_unspecified());
    out_.config.push_back(files_.usable("listen", given.text));
  }

  /// A port alone is every address, of IPv4 and, where there is one, of IPv6 (systemd.socket(5)).
  void add_tcp(const GivenListener& given) {
    const HostPort& address = given.listen.address;
    if (!given.second) return add_stream(address.to_string());
    if (address.ip->is_unspecified()) {
      covers_bridge_ = true;
      return add_stream(std::to_string(address.port));
    }
    add_pair(address.to_string(), given.second->address.to_string());
  }

  /// Where there is no IPv6 the unit would not start without FreeBind=.
  void add_pair(std::string_view v4, std::string_view v6) {
    add_stream(v4);
    add_stream(v6);
    free_bind_ = true;
  }

  /// From a socket unit of the user's own, or from ours.
  void add_passed(const GivenListener& given, bool plain) {
    if (given.listen.name.empty()) {
      own_socket_ = true;
      if (!plain) {
        problem(given,
                "setup writes the socket unit: give its address with these options, as in "
                "127.0.0.1:3128?...");
      }
      return;
    }
    named_ = true;
    out_.config.push_back(files_.usable("listen", given.text));
    out_.notes.push_back(concat({"the .socket unit of ", listen_url(given.listen),
                                 " is yours to write: it has FileDescriptorName=",
                                 given.listen.name, " and Service=culvert.service"}));
  }

  void add_unix(const GivenListener& given) {
    if (has_options_of_tcp(given.listen)) {
      return problem(given,
                     "make a .socket unit for it, and give --listen systemd:NAME with these "
                     "options");
    }
    const std::string& path = given.listen.path;
    if (!path.starts_with('/')) {
      return problem(given, "the service starts in /; write the whole path of the socket");
    }
    if (!fits_line(path) || !fits_line(given.listen.owner) || !fits_line(given.listen.group)) {
      return problem(given,
                     "a .socket unit cannot have it: it holds a control character, or ends in a "
                     "backslash or blank");
    }
    const std::string lines = file_lines(given.listen);
    if (!file_lines_.empty() && file_lines_ != lines) {
      problem(given, "a .socket unit has one mode and owner for all of its unix sockets");
    }
    file_lines_ = lines;
    add_stream(path);
  }

  void add_stream(std::string_view address) {
    at_bridge_ = at_bridge_ || (!facts_.bridge.empty() && address.starts_with(facts_.bridge + ":"));
    covers_bridge_ =
        covers_bridge_ || address.starts_with("0.0.0.0:") || address.starts_with("[::]:");
    streams_.append(kStream).append(with_doubled_percent(address)).append("\n");
  }

  /// It may come later than culvert, as docker does.
  void add_bridge() {
    const bool added = !facts_.bridge.empty() && !covers_bridge_ && !at_bridge_;
    const std::string address = service_address(facts_);
    const std::string port = address.substr(address.rfind(':') + 1);
    if (added && speak_tls_alone(facts_.listeners)) {
      out_.problems.push_back(plain_bridge_problem(facts_, port));
    } else if (added || at_bridge_) {
      free_bind_ = true;
      streams_ += concat({kBridgeMark, facts_.bridge, "\n"});
      if (added) add_stream(concat({facts_.bridge, ":", port}));
    }
  }

  void problem(const GivenListener& given, std::string_view text) {
    out_.problems.push_back(concat({"--listen ", printable(listen_url(given.listen)), ": ", text}));
  }

  const SetupFacts& facts_;
  ServiceFiles& files_;
  ServiceListeners out_;
  std::string streams_;
  std::string file_lines_;
  bool at_bridge_ = false;      ///< a plain listener is there
  bool covers_bridge_ = false;  ///< one of every address, or that the service binds itself, is
  bool free_bind_ = false;
  bool named_ = false;
  bool own_socket_ = false;
};

}  // namespace

ServiceListeners service_listeners(const SetupFacts& facts, ServiceFiles& files) {
  return ListenerSorter(facts, files).sort();
}

SocketUnit read_socket_unit(std::string_view text) {
  SocketUnit unit;
  std::string of_files;
  bool added = false;
  for (const std::string_view line : split(text, '\n')) {
    for (const auto& [key, option] : kFileKeys) {
      if (!line.starts_with(key)) continue;
      of_files.append(of_files.empty() ? "?" : "&").append(option);
      of_files += as_query_value(without_doubled_percent(line.substr(key.size())));
    }
    if (line.starts_with(kStream) && !added) {
      add_listener_of(without_doubled_percent(trim_space(line.substr(kStream.size()))), unit);
    }
    added = line.starts_with(kBridgeMark);
    if (added) unit.bridge = line.substr(kBridgeMark.size());
  }
  for (std::string& listener : unit.listeners) {
    if (listener.starts_with("unix:")) listener += of_files;
  }
  return unit;
}

}  // namespace culvert
