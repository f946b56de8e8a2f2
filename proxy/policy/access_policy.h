#pragma once

#include <optional>
#include <vector>

#include "base/ip_address.h"
#include "base/result.h"

namespace culvert {

/// Whether a client may use the proxy.  Clients on this host always may: those of a unix socket,
/// where file permissions decide, and those with a loopback address.  Others need an entry of
/// `--allow-client`, or `--open-proxy`; without a list a certificate does.
class AccessPolicy {
 public:
  AccessPolicy(std::vector<Cidr> allow_clients, bool open_proxy);

  /// `client` is the peer's address, nullopt for a unix socket.  `certified`: it has shown a
  /// certificate of `?client-ca=`, and need not be in a list if there is none.  A refusal is
  /// Errc::http_request_denied, side client; its text names the address and the flag that helps.
  Result<void> admit(const std::optional<IpAddress>& client, bool certified = false) const;

 private:
  std::vector<Cidr> allow_clients_;
  bool open_proxy_;
};

}  // namespace culvert
