#include "policy/near_host.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace culvert {
namespace {

// RFC 1918, RFC 6598, RFC 3927; RFC 4193, RFC 4291.
constexpr auto kPrivateBlocks =
    std::to_array<std::string_view>({"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
                                     "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10"});

// RFC 6762 with its appendix G, RFC 8375, and ICANN's .internal.
constexpr auto kPrivateDomains =
    std::to_array<std::string_view>({".local", ".localdomain", ".lan", ".home", ".home.arpa",
                                     ".corp", ".intranet", ".internal", ".private"});

bool is_private(const IpAddress& address) {
  return std::any_of(kPrivateBlocks.begin(), kPrivateBlocks.end(),
                     [&](std::string_view block) { return Cidr::parse(block)->contains(address); });
}

}  // namespace

bool seems_near(const HostPort& host) {
  if (host.ip) return host.ip->is_loopback() || is_private(*host.ip);
  if (host.host.find('.') == host.host.npos) return true;
  return std::any_of(kPrivateDomains.begin(), kPrivateDomains.end(),
                     [&](std::string_view domain) { return host.host.ends_with(domain); });
}

}  // namespace culvert
