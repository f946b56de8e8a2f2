#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/connection_ends.h"
#include "base/host_port.h"
#include "base/result.h"
#include "base/trace.h"
#include "policy/router.h"

namespace culvert {

/// Decides which addresses may be dialed for a client.  Applied to the address that is connected
/// to, after the name was looked up, and to targets that are addresses themselves, or are loopback
/// by name.
///
/// An IPv6 address that carries an IPv4 one (see carried_address()) is judged by both.
///
/// Clients on this host may reach every address but our own listeners, where each connection would
/// only request the next.  Clients elsewhere cannot reach what trusts this host for its network
/// location (loopback, link-local addresses, cloud metadata), unless a route names the address.
class AddressGuard {
 public:
  /// Whether an address is one of this machine's, now.
  using IsOwn = bool (*)(const IpAddress& address);

  /// `listeners` are our own addresses; `is_own` decides about those that a wildcard among them may
  /// stand for.
  AddressGuard(const std::vector<HostPort>& listeners, const Router& router, IsOwn is_own);

  enum class Client : std::uint8_t {
    here,
    elsewhere,
    ourselves,  ///< not a target: an upstream's proxy, which must not be one of our own listeners
  };
  /// A loopback address means this host only here: an upstream has its own.
  enum class Egress : std::uint8_t { direct, through_upstream };

  /// An address at which an upstream's proxy would be this one.
  bool is_ours(const IpAddress& address, std::uint16_t port) const;
  /// The refusal, as a phrase that follows the address: "a loopback address, closed to ...".
  /// nullopt: it may be dialed.
  std::optional<std::string> objection(const IpAddress& address, std::uint16_t port, Client client,
                                       Egress egress) const;
  /// The same about a name, for a client elsewhere: "localhost" is loopback wherever it is looked
  /// up (RFC 6761 section 6.3).  What other names stand for is not known here.
  std::optional<std::string> objection_to_name(const HostPort& target) const;

 private:
  bool is_unnamed_listener(const HostPort& address) const;
  bool is_listener(const HostPort& address) const;
  /// The objection to `judged`, which is `address` or what that carries.
  std::optional<std::string> closed_place(const IpAddress& judged, const IpAddress& address,
                                          std::uint16_t port) const;

  const std::vector<HostPort>& listeners_;
  const Router& router_;
  IsOwn is_own_;
};

/// The guard for one client, as a dial carries it, and what else the dial has to know of the
/// client. A default one permits everything.
struct AddressCheck {
  const AddressGuard* guard = nullptr;
  AddressGuard::Client client = AddressGuard::Client::here;
  /// For upstreams with `?proxy-protocol`, longer than the dial.  nullptr: none has that, or the
  /// connection is our own.
  const ConnectionEnds* ends = nullptr;
  /// Where the steps of the dial are told, as long as that takes; mostly nullptr.
  Trace* trace = nullptr;
  /// See affinity_of(); only for a route that is balanced.
  std::uint64_t client_key = 0;

  /// For a target as the client named it.  The error's text is a clause that follows it ("is a
  /// loopback address, ...").
  Result<void> target(const HostPort& target, AddressGuard::Egress egress) const;
  /// Removes the addresses that may not be dialed; an error if none is left, its text a clause that
  /// follows the name.
  Result<std::vector<IpAddress>> resolved(const std::vector<IpAddress>& addresses,
                                          std::uint16_t port, AddressGuard::Egress egress) const;
};

}  // namespace culvert
