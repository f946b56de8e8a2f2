#include "policy/address_guard.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "policy/carried_address.h"

namespace culvert {
namespace {

/// Where clouds serve a machine's credentials.
bool is_metadata(const IpAddress& address) {
  static const std::array<IpAddress, 6> kServices = {
      *IpAddress::parse("169.254.169.254"),  // most of them
      *IpAddress::parse("fd00:ec2::254"),    // Amazon
      *IpAddress::parse("fd20:ce::254"),     // Google
      *IpAddress::parse("100.100.100.200"),  // Alibaba
      *IpAddress::parse("168.63.129.16"),    // Azure
      *IpAddress::parse("192.0.0.192"),      // Oracle
  };
  return std::find(kServices.begin(), kServices.end(), address) != kServices.end();
}

/// The kind of an address that trusts its network location; empty for the others.
std::string_view place_of(const IpAddress& address) {
  if (is_metadata(address)) return "a cloud metadata address";
  if (address.is_loopback()) return "a loopback address";
  if (address.is_link_local()) return "a link-local address";
  if (address.is_unspecified()) return "an unspecified address";
  if (address.is_multicast()) return "a multicast address";
  return {};
}

constexpr std::string_view kClosed = ", closed to clients on other hosts unless a --route names it";

/// RFC 6761 section 6.3, and what distributions' hosts files add to it.
bool is_loopback_name(std::string_view name) {
  static constexpr std::array<std::string_view, 6> kNames = {
      "localhost",  "localhost.localdomain",   "ip6-localhost",
      "localhost6", "localhost6.localdomain6", "ip6-loopback"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
         name.ends_with(".localhost");
}

Error prohibited(AddressGuard::Client client, std::string text) {
  if (client == AddressGuard::Client::ourselves) {
    return {Errc::proxy_loop_detected, Side::upstream, 0, std::move(text)};
  }
  return {Errc::destination_ip_prohibited, Side::local, 0, std::move(text)};
}

constexpr std::string_view kOwnListener = "a listener of this proxy itself";

}  // namespace

AddressGuard::AddressGuard(const std::vector<HostPort>& listeners, const Router& router,
                           IsOwn is_own)
    : listeners_(listeners), router_(router), is_own_(is_own) {}

std::optional<std::string> AddressGuard::objection(const IpAddress& address, std::uint16_t port,
                                                   Client client, Egress egress) const {
  if (client == Client::ourselves) {
    if (is_ours(address, port)) return std::string(kOwnListener);
    return std::nullopt;
  }
  const CarriedAddress carried = carried_address(address);
  if (egress == Egress::direct || client == Client::elsewhere) {
    const HostPort plain{{}, port, address};
    bool own = is_unnamed_listener(plain);
    // Beyond a tunnel are other hosts than the one that it leads to.
    if (carried.by == CarriedAddress::By::translation) {
      for (const IpAddress& ip : carried) own = own || is_unnamed_listener({{}, port, ip});
    }
    if (own) return std::string(kOwnListener);
  }
  if (client == Client::here) return std::nullopt;
  if (carried.by != CarriedAddress::By::translation) {
    if (auto closed = closed_place(address, address, port)) return closed;
  }
  for (const IpAddress& ip : carried) {
    if (auto closed = closed_place(ip, address, port)) return closed;
  }
  return std::nullopt;
}

bool AddressGuard::is_ours(const IpAddress& address, std::uint16_t port) const {
  // Mostly no listener has that port, and then there is nothing to find out.
  const bool has_port = std::any_of(listeners_.begin(), listeners_.end(),
                                    [&](const HostPort& own) { return own.port == port; });
  if (!has_port) return false;
  if (is_listener({{}, port, address})) return true;
  const CarriedAddress carried = carried_address(address);
  return std::any_of(carried.begin(), carried.end(), [&](const IpAddress& ip) {
    return is_listener({{}, port, ip});
  });
}

std::optional<std::string> AddressGuard::closed_place(const IpAddress& judged,
                                                      const IpAddress& address,
                                                      std::uint16_t port) const {
  const std::string_view place = place_of(judged);
  if (place.empty() || router_.names({{}, port, judged}) != nullptr) return std::nullopt;
  // Who routes all of NAT64 does not mean this address, which the gateway may take for its own.
  const TargetPattern* named = router_.names({{}, port, address});
  if (named != nullptr && named->is_one_address()) return std::nullopt;
  return std::string(place).append(kClosed);
}

std::optional<std::string> AddressGuard::objection_to_name(const HostPort& target) const {
  if (!is_loopback_name(target.host) || router_.names(target) != nullptr) return std::nullopt;
  return std::string("a loopback name").append(kClosed);
}

/// A block that happens to contain a listener does not name it: connections from there would count
/// as clients on this host.
bool AddressGuard::is_unnamed_listener(const HostPort& address) const {
  if (!is_listener(address)) return false;
  const TargetPattern* named = router_.names(address);
  return named == nullptr || !named->has_port();
}

bool AddressGuard::is_listener(const HostPort& address) const {
  const IpAddress& ip = *address.ip;
  return std::any_of(listeners_.begin(), listeners_.end(), [&](const HostPort& listener) {
    if (listener.port != address.port || listener.ip->family() != ip.family()) return false;
    // A connection to the unspecified address reaches this host's loopback, and a listener there is
    // reached by all of loopback.
    if (ip.is_unspecified()) return listener.ip->is_unspecified() || listener.ip->is_loopback();
    return *listener.ip == ip ||
           (listener.ip->is_unspecified() && (ip.is_loopback() || is_own_(ip)));
  });
}

Result<void> AddressCheck::target(const HostPort& target, AddressGuard::Egress egress) const {
  if (guard == nullptr) return {};
  std::optional<std::string> objection;
  if (target.ip) {
    objection = guard->objection(*target.ip, target.port, client, egress);
  } else if (client == AddressGuard::Client::elsewhere) {
    objection = guard->objection_to_name(target);
  }
  if (!objection) return {};
  return prohibited(client, "is " + *objection);
}

Result<std::vector<IpAddress>> AddressCheck::resolved(const std::vector<IpAddress>& addresses,
                                                      std::uint16_t port,
                                                      AddressGuard::Egress egress) const {
  if (guard == nullptr) return addresses;
  std::vector<IpAddress> permitted;
  std::string first;
  for (const IpAddress& address : addresses) {
    const auto objection = guard->objection(address, port, client, egress);
    if (!objection) {
      permitted.push_back(address);
    } else if (first.empty()) {
      first = "resolves to " + address.to_string() + ", " + *objection;
    }
  }
  if (permitted.empty()) return prohibited(client, std::move(first));
  return permitted;
}

}  // namespace culvert
