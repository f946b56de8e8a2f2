#include "server/listeners.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/account.h"
#include "config/listen_url.h"
#include "config/open_listener.h"

namespace culvert {
namespace {

constexpr std::string_view kSystemd = "systemd:";

bool is_of(const ListenConfig& listen, const PassedSocket& socket) {
  if (listen.kind == ListenConfig::Kind::systemd && listen.name.empty()) {
    return socket.label.starts_with(kSystemd);
  }
  return socket.label == listen.to_string();
}

/// A culvert that can be taken over would have passed its sockets on.
std::string bind_problem(const Error& error, const Config& config) {
  if (!config.take_over || error.sys != EADDRINUSE) return error.text;
  return error.text +
         " A culvert there was not started with --take-over: use kill -USR2 PID for this once, or "
         "stop it";
}

}  // namespace

const ListenConfig& Listeners::at(const Config& config, std::size_t index) {
  const std::size_t listeners = config.listen.size();
  return index < listeners ? config.listen[index] : config.admin[index - listeners];
}

void Listeners::take(const Config& config, const Inheritance& given,
                     std::vector<std::string>& problems) {
  passed_ = given.sockets;
  for (std::size_t i = 0; i < count(config); ++i) {
    if (at(config, i).kind == ListenConfig::Kind::systemd) {
      take_systemd(config, i, given, problems);
      taken_.push_back(true);
    } else {
      taken_.push_back(take_handed_over(config, i));
    }
  }
  for (const PassedSocket& socket : passed_) {
    if (socket.label.starts_with(kSystemd)) {
      warnings_.push_back(
          fmt::format("a socket was passed that no --listen names: {}", socket.label));
    }
  }
  close_passed();
}

void Listeners::take_more(const Config& config, const std::vector<PassedSocket>& sockets) {
  passed_ = sockets;
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    if (!taken_[i]) taken_[i] = take_handed_over(config, i);
  }
  close_passed();
}

void Listeners::close_passed() {
  for (const PassedSocket& socket : passed_) close(socket.fd);
  passed_.clear();
}

void Listeners::take_systemd(const Config& config, std::size_t index, const Inheritance& given,
                             std::vector<std::string>& problems) {
  const ListenConfig& listen = config.listen[index];
  const auto problem = [&](std::string_view text) {
    problems.push_back(fmt::format("--listen {}: {}", listen.to_string(), text));
  };
  std::string names;
  for (const PassedSocket& socket : given.sockets) names += " " + socket.label;
  const auto wanted = std::stable_partition(
      passed_.begin(), passed_.end(), [&](const PassedSocket& one) { return !is_of(listen, one); });
  if (wanted == passed_.end()) {
    return problem(names.empty() ? given.none_from_systemd
                                 : fmt::format("no socket of that name was passed, only{}", names));
  }
  for (auto one = wanted; one != passed_.end(); ++one) {
    auto socket = ListenSocket::passed(one->fd);
    if (!socket) {
      problem(socket.error().text);
      continue;
    }
    if (socket->is_tcp() && !socket->address().ip->is_loopback() && !has_lock(listen, config)) {
      problem(open_listener_problem(socket->url()));
    }
    socket->set_outlives_us();
    outlive_us_ = true;
    const bool from_anywhere = socket->is_tcp() && !socket->address().ip->is_loopback();
    if (from_anywhere && listen.proxy_protocol && config.load_balancers.empty()) {
      problem(fmt::format(
          "say whose PROXY protocol header is believed on {} with --load-balancer CIDR,...",
          socket->url()));
    }
    std::vector<ListenSocket> sockets;
    sockets.push_back(std::move(*socket));
    add(std::move(sockets), config, index, one->label);
  }
  passed_.erase(wanted, passed_.end());
}

/// False if there is none.
bool Listeners::take_handed_over(const Config& config, std::size_t index) {
  const ListenConfig& listen = at(config, index);
  std::vector<ListenSocket> sockets;
  std::erase_if(passed_, [&](const PassedSocket& one) {
    if (!is_of(listen, one)) return false;
    auto socket = ListenSocket::passed(one.fd);
    if (!socket) return false;
    // Two listeners on a port that the system chose have the same label.
    if (!sockets.empty() && sockets[0].url() != socket->url()) {
      socket->release();
      return false;
    }
    if (listen.kind == ListenConfig::Kind::unix_socket) socket->find_file();
    sockets.push_back(std::move(*socket));
    return true;
  });
  if (sockets.empty()) return false;
  add(std::move(sockets), config, index, listen.to_string());
  return true;
}

void Listeners::bind(const Config& config, std::vector<std::string>& problems) {
  if (bound_) return;
  const std::size_t problems_before = problems.size();
  const auto before = std::tuple(urls_, listen_of_urls_, admin_urls_, addresses_, awaited_, open_,
                                 of_all_.size(), of_admin_.size());
  std::vector<std::size_t> of_workers_before;
  for (const auto& sockets : of_workers_) of_workers_before.push_back(sockets.size());
  address_in_use_ = false;
  bind_each(config, problems);
  bound_ = problems.size() == problems_before;
  if (bound_) {
    warn_of_awaited();
    return warn_of_missing_ipv4();
  }
  std::size_t of_all = 0;
  std::size_t of_admin = 0;
  std::tie(urls_, listen_of_urls_, admin_urls_, addresses_, awaited_, open_, of_all, of_admin) =
      before;
  const auto shrink = [](std::vector<ListenSocket>& sockets, std::size_t size) {
    sockets.erase(sockets.begin() + static_cast<std::ptrdiff_t>(size), sockets.end());
  };
  shrink(of_all_, of_all);
  shrink(of_admin_, of_admin);
  for (std::size_t i = 0; i < of_workers_.size(); ++i) shrink(of_workers_[i], of_workers_before[i]);
}

void Listeners::bind_each(const Config& config, std::vector<std::string>& problems) {
  taken_.resize(count(config));
  for (std::size_t i = 0; i < count(config); ++i) {
    if (taken_[i]) continue;
    const ListenConfig& listen = at(config, i);
    auto bound =
        listen.kind == ListenConfig::Kind::unix_socket ? bind_unix(config, i) : bind_tcp(config, i);
    if (bound || listen.optional) continue;
    problems.push_back(bind_problem(bound.error(), config));
    address_in_use_ = address_in_use_ || bound.error().sys == EADDRINUSE;
  }
}

/// [::] is every address of this host, unless another listener has IPv4 addresses at that port.
ListenSocket::Takes Listeners::taken_by(const ListenConfig& listen, const Config& config) const {
  using Takes = ListenSocket::Takes;
  const HostPort& address = listen.address;
  if (address.ip->is_v4() || !address.ip->is_unspecified()) return Takes::its_family;
  const auto clashes = [&](const HostPort& other) {
    return other.ip && other.ip->is_v4() && other.port == address.port && other.port != 0;
  };
  const bool alone =
      std::none_of(addresses_.begin(), addresses_.end(), clashes) &&
      std::none_of(config.listen.begin(), config.listen.end(),
                   [&](const ListenConfig& other) { return clashes(other.address); });
  return alone ? Takes::ipv4_too : Takes::its_family;
}

/// A socket that was passed may take IPv6 alone, whatever its address looks like.
void Listeners::warn_of_missing_ipv4() {
  for (const HostPort& address : addresses_) {
    if (address.ip->is_v4() || !address.ip->is_unspecified()) continue;
    const auto is_its_ipv4 = [&](const HostPort& other) {
      return other.port == address.port && other.ip->is_v4() && other.ip->is_unspecified();
    };
    if (std::any_of(addresses_.begin(), addresses_.end(), is_its_ipv4)) continue;
    warnings_.push_back(fmt::format(
        "{} takes IPv6 clients only; for every address of both kinds write --listen :{}",
        address.to_string(), address.port));
  }
}

/// A bridge that comes up later, an address that DHCP has not brought yet, or a wrong one.
void Listeners::warn_of_awaited() {
  for (const HostPort& address : awaited_) {
    warnings_.push_back(
        address.to_string() +
        ": no interface of this host has that address yet; clients are served there as soon as one "
        "has it");
  }
}

Result<void> Listeners::bind_tcp(const Config& config, std::size_t index) {
  using Absent = ListenSocket::Absent;
  const ListenConfig& listen = at(config, index);
  const Absent absent = listen.optional ? Absent::refused : Absent::awaited;
  const ListenSocket::Takes takes = taken_by(listen, config);
  HostPort address = listen.address;
  const std::size_t wanted = index < config.listen.size() ? of_workers_.size() : 1;
  const bool share = wanted > 1;
  if (auto free = ListenSocket::check_free(address, takes, absent); !free) return free;
  std::vector<ListenSocket> bound;  // one for each worker, or none
  for (std::size_t i = 0; i < wanted; ++i) {
    auto socket = ListenSocket::tcp(address, share, takes, absent);
    if (!socket) return std::move(socket).error();
    address.port = socket->address().port;  // the others follow where the system chose
    bound.push_back(std::move(*socket));
  }
  add(std::move(bound), config, index, listen.to_string());
  return {};
}

Result<void> Listeners::bind_unix(const Config& config, std::size_t index) {
  const ListenConfig& listen = at(config, index);
  SocketFileRights rights;
  rights.mode = listen.mode;
  // Whether there are such accounts was asked when the option was read.
  if (!listen.owner.empty()) rights.owner = user_number(listen.owner);
  if (!listen.group.empty()) rights.group = group_number(listen.group);
  auto socket = ListenSocket::unix_path(listen.path, rights);
  if (!socket) return std::move(socket).error();
  std::vector<ListenSocket> bound;
  bound.push_back(std::move(*socket));
  add(std::move(bound), config, index, listen.to_string());
  return {};
}

/// Every socket needs somebody who accepts: closing one would reset the clients in its queue.
void Listeners::add(std::vector<ListenSocket> sockets, const Config& config, std::size_t index,
                    const std::string& label) {
  const ListenConfig& listen = at(config, index);
  const ListenSocket& first = sockets[0];
  if (first.is_tcp()) addresses_.push_back(first.address());
  // systemd's own have FreeBind= where that is meant.
  const bool is_ours = listen.kind != ListenConfig::Kind::systemd;
  if (is_ours && first.awaits_address()) awaited_.push_back(first.address());
  if (first.is_dual_stack()) {
    addresses_.push_back({"0.0.0.0", first.address().port, IpAddress::parse("0.0.0.0")});
  }
  for (const ListenSocket& socket : sockets) open_.push_back({{socket.fd(), label}, socket.file()});
  if (index >= config.listen.size()) {
    return add_admin(std::move(sockets), listen, index - config.listen.size());
  }
  for (ListenSocket& socket : sockets) socket.set_index(index);
  const std::string url = as_clients_write(listen, first.url());
  if (std::find(urls_.begin(), urls_.end(), url) == urls_.end()) {
    urls_.push_back(url);
    listen_of_urls_.push_back(index);
  }
  const bool one_each = first.is_tcp() && sockets.size() >= of_workers_.size();
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    auto& to = one_each ? of_workers_[i % of_workers_.size()] : of_all_;
    to.push_back(std::move(sockets[i]));
  }
}

void Listeners::add_admin(std::vector<ListenSocket> sockets, const ListenConfig& listen,
                          std::size_t index) {
  admin_urls_.push_back(as_clients_write(listen, sockets[0].url()));
  for (ListenSocket& socket : sockets) {
    socket.set_index(index);
    of_admin_.push_back(std::move(socket));
  }
}

std::vector<PassedSocket> Listeners::to_pass_on() const {
  std::vector<PassedSocket> out;
  for (const Open& open : open_) {
    // One whose file was removed, or replaced, is reached by nobody.
    if (open.file.path.empty() || open.file.is_there()) out.push_back(open.socket);
  }
  return out;
}

}  // namespace culvert
