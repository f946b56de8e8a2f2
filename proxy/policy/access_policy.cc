#include "policy/access_policy.h"

#include <algorithm>
#include <string>
#include <utility>

namespace culvert {

AccessPolicy::AccessPolicy(std::vector<Cidr> allow_clients, bool open_proxy)
    : allow_clients_(std::move(allow_clients)), open_proxy_(open_proxy) {}

Result<void> AccessPolicy::admit(const std::optional<IpAddress>& client, bool certified) const {
  if (!client || open_proxy_) return {};
  // A dual-stack listener shows IPv4 clients as ::ffff:a.b.c.d; users write the IPv4 address.
  const IpAddress address = client->unmapped();
  if (address.is_loopback()) return {};
  const auto holds = [&](const Cidr& block) { return block.contains(address); };
  if (std::any_of(allow_clients_.begin(), allow_clients_.end(), holds)) return {};
  if (certified && allow_clients_.empty()) return {};

  const std::string shown = address.to_string();
  return Error{
      Errc::http_request_denied, Side::client, 0,
      "client " + shown + " may not use this proxy - start culvert with --allow-client " + shown};
}

}  // namespace culvert
