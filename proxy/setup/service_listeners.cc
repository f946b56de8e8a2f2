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

/// Sorts listeners into what systemd holds and what the service binds.
class ListenerSorter {
 public:
  ListenerSorter(const SetupFacts& facts, ServiceFiles& files) : facts_(facts), files_(files) {}

  ServiceListeners sort() {
    for (const GivenListener& given : facts_.listeners) add(given);
    const bool default_socket = facts_.listeners.empty() || (own_socket_ && streams_.empty());
    if (default_socket) add_stream(kDefaultListen);
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
    if (listen.kind == Kind::http) {
      (listen.speaks == ListenConfig::Speaks::tls_only ? has_tls_ : has_plain_) = true;
    }
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
    std::string address = given.listen.address.to_string();
    const bool every =
        given.listen.address.ip->is_unspecified() && given.listen.address.ip->is_v4();
    if (every && given.text.find("0.0.0.0") == given.text.npos) {
      address.erase(0, address.rfind(':') + 1);
      covers_bridge_ = true;
    }
    add_stream(address);
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
    const bool bridge = !facts_.bridge.empty() && address.starts_with(facts_.bridge + ":");
    free_bind_ = free_bind_ || bridge;
    covers_bridge_ =
        covers_bridge_ || bridge || address.starts_with("0.0.0.0:") || address.starts_with("[::]:");
    streams_.append(kStream).append(with_doubled_percent(address)).append("\n");
  }

  /// It may come later than culvert, as docker does.
  void add_bridge() {
    if (facts_.bridge.empty() || covers_bridge_) return;
    const std::string address = service_address(facts_);
    const std::string port = address.substr(address.rfind(':') + 1);
    if (has_tls_ && !has_plain_) {
      out_.problems.push_back(plain_bridge_problem(facts_, port));
    } else {
      add_stream(concat({facts_.bridge, ":", port}));
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
  bool covers_bridge_ = false;
  bool has_tls_ = false;
  bool has_plain_ = false;
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
  bool free_bind = false;
  for (const std::string_view line : split(text, '\n')) {
    free_bind = free_bind || line == kFreeBind;
    for (const auto& [key, option] : kFileKeys) {
      if (!line.starts_with(key)) continue;
      of_files.append(of_files.empty() ? "?" : "&").append(option);
      of_files += as_query_value(without_doubled_percent(line.substr(key.size())));
    }
    if (!line.starts_with(kStream)) continue;
    const std::string address = without_doubled_percent(trim_space(line.substr(kStream.size())));
    if (address.starts_with('/')) {
      unit.listeners.push_back("unix:" + address);
    } else if (const auto parsed = HostPort::parse(address)) {
      if (!parsed->is_loopback()) unit.bridge = parsed->host;
      unit.listeners.push_back(parsed->to_string());
    } else if (parse_number<std::uint16_t>(address)) {
      unit.listeners.push_back(":" + address);
    }
  }
  for (std::string& listener : unit.listeners) {
    if (listener.starts_with("unix:")) listener += of_files;
  }
  if (!free_bind) unit.bridge.clear();
  const bool added = free_bind && unit.listeners.size() > 1 &&
                     unit.listeners.back().starts_with(unit.bridge + ":");
  if (added) unit.listeners.pop_back();
  return unit;
}

}  // namespace culvert
