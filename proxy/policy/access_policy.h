#pragma once

#include <optional>
#include <vector>

#include "base/ip_address.h"
#include "base/result.h"

namespace culvert {

/// Whether a client may use the proxy.  Clients on this host always may: those of a unix socket,
/// where file permissions decide, and those with a loopback address.  Others need an entry of
/// `--allow-client`, or `--open-proxy`.
class AccessPolicy {
 public:
  AccessPolicy(std::vector<Cidr> allow_clients, bool open_proxy);

  /// `client` is the peer's address, nullopt for a unix socket.  A refusal is
  /// Errc::http_request_denied, side client; its text names the address and the flag that helps.
  /// `proven`: the client has said who it is, and need not be in a list if there is none.
  Result<void> admit(const std::optional<IpAddress>& client, bool proven = false) const;

 private:
  std::vector<Cidr> allow_clients_;
  bool open_proxy_;
};

}  // namespace culvert
