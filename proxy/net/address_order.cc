#include "net/address_order.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "net/socket_address.h"

namespace culvert {
namespace {

/// RFC 6724 sections 2.1 and 3.1.
struct Class {
  int label;
  int precedence;
  int scope;
};

constexpr int kLinkLocal = 0x2;
constexpr int kSiteLocal = 0x5;
constexpr int kGlobal = 0xe;

Class class_of(const IpAddress& address, bool ipv4_first) {
  const bool near = address.is_loopback() || address.is_link_local();
  if (address.is_v4()) return {4, ipv4_first ? 100 : 10, near ? kLinkLocal : kGlobal};
  const std::uint8_t* const bytes = address.bytes();
  const bool site_local = bytes[0] == 0xfe && (bytes[1] & 0xc0U) == 0xc0U;
  const int scope = near ? kLinkLocal : site_local ? kSiteLocal : kGlobal;
  if (address.is_loopback()) return {0, 50, scope};
  if (bytes[0] == 0x20 && bytes[1] == 0x02) return {2, 30, scope};  // 6to4
  if (site_local) return {5, 40, scope};
  if ((bytes[0] & 0xfeU) == 0xfcU) return {6, 40, scope};  // unique local
  if (bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0 && bytes[3] == 0) {
    return {7, 40, scope};  // Teredo
  }
  return {1, 40, scope};
}

/// The smaller, the sooner.
auto rank_of(const IpAddress& address, bool ipv4_first, const std::optional<IpAddress>& source) {
  const Class own = class_of(address, ipv4_first);
  if (!source) return std::tuple(true, true, true, -own.precedence, own.scope);
  const Class from = class_of(*source, ipv4_first);
  return std::tuple(false, own.scope != from.scope, own.label != from.label, -own.precedence,
                    own.scope);
}

}  // namespace

std::optional<IpAddress> source_address_for(const IpAddress& destination) {
  constexpr std::uint16_t kAnyPort = 443;  // no packet is sent
  SocketAddress raw = SocketAddress::of(destination, kAnyPort);
  const int fd = socket(raw.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::nullopt;
  std::optional<IpAddress> source;
  if (connect(fd, raw.get(), raw.size) == 0 &&
      getsockname(fd, reinterpret_cast<sockaddr*>(&raw.storage), &raw.size) == 0) {
    if (const auto own = host_port_of(raw.storage)) source = own->ip;
  }
  close(fd);
  return source;
}

std::vector<IpAddress> in_order(const std::vector<IpAddress>& addresses, bool ipv4_first,
                                const SourceOf& source_of) {
  if (addresses.size() < 2) return addresses;
  using Ranked = std::pair<decltype(rank_of(addresses[0], false, std::nullopt)), IpAddress>;
  std::vector<Ranked> ranked;
  ranked.reserve(addresses.size());
  for (const IpAddress& address : addresses) {
    ranked.emplace_back(rank_of(address, ipv4_first, source_of(address)), address);
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const Ranked& a, const Ranked& b) { return a.first < b.first; });
  std::vector<IpAddress> out;
  out.reserve(ranked.size());
  for (const Ranked& entry : ranked) out.push_back(entry.second);
  return out;
}

}  // namespace culvert
