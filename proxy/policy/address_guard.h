#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/host_port.h"
#include "base/result.h"
#include "policy/router.h"

namespace culvert {

/// Which addresses may be dialed for a client?  Asked about the address that is connected to, after
/// the name was looked up, and about targets that are addresses themselves, or are loopback by
/// their very name.
///
/// Clients on this host may reach every address but our own listeners, where each connection would
/// only ask for the next.  Clients elsewhere do not get at what trusts this host for its place on
/// the network (loopback, link-local addresses, cloud metadata), unless a route names the address.
class AddressGuard {
 public:
  /// Is this address one of this machine's, at this moment?
  using IsOwn = bool (*)(const IpAddress& address);

  /// `listeners` are our own addresses; `is_own` is asked about those that a wildcard among them
  /// may stand for.
  AddressGuard(const std::vector<HostPort>& listeners, const Router& router, IsOwn is_own);

  enum class Client : std::uint8_t { here, elsewhere };
  /// A loopback address means this host only to us: an upstream has one of its own.
  enum class Egress : std::uint8_t { direct, through_upstream };

  /// Why not, as a phrase to stand behind the address: "a loopback address, closed to ...".
  /// nullopt: it may be dialed.
  std::optional<std::string> objection(const IpAddress& address, std::uint16_t port, Client client,
                                       Egress egress) const;
  /// The same about a name, for a client elsewhere: "localhost" is loopback wherever it is looked
  /// up (RFC 6761 section 6.3).  What other names stand for is not known here.
  std::optional<std::string> objection_to_name(const HostPort& target) const;

 private:
  bool is_listener(const HostPort& address) const;

  const std::vector<HostPort>& listeners_;
  const Router& router_;
  IsOwn is_own_;
};

/// The guard as one client meets it; what a dial carries.  A default one has no objection: the
/// addresses of upstreams are the operator's own choice.
struct AddressCheck {
  const AddressGuard* guard = nullptr;
  AddressGuard::Client client = AddressGuard::Client::here;

  /// For a target as the client named it.  The error's text is a clause to stand behind it ("is a
  /// loopback address, ...").
  Result<void> target(const HostPort& target, AddressGuard::Egress egress) const;
  /// Leaves of what a name resolved to what may be dialed; an error if that is nothing, its text a
  /// clause to stand behind the name.
  Result<std::vector<IpAddress>> resolved(const std::vector<IpAddress>& addresses,
                                          std::uint16_t port, AddressGuard::Egress egress) const;
};

}  // namespace culvert
