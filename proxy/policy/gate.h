#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/callback.h"
#include "base/error.h"
#include "base/host_port.h"
#include "policy/access_policy.h"
#include "policy/address_guard.h"
#include "policy/router.h"

namespace culvert {

/// Whether one more client is served.  Of one that is not, the request is still read, so that it
/// gets the response.
enum class Admission : std::uint8_t {
  serve,
  draining,  ///< the process is shutting down
  full,      ///< --max-connections is reached
  crowded,   ///< there are no descriptors for one more
};

/// Decides whether a client may have a target, and by which route.  Called once a request, before
/// dialing; the addresses of a name are checked later, by the AddressGuard.
class Gate {
 public:
  struct Question {
    const std::optional<IpAddress>& client;  ///< nullopt for a unix socket
    Admission admission = Admission::serve;
    const HostPort& target;
    bool looped = false;      ///< the request has passed through this proxy before
    bool needs_route = true;  ///< false: the proxy responds itself, or refuses it
    bool certified = false;   ///< its certificate says who it is
  };
  struct Verdict {
    /// The client is admitted; only the target may be denied.
    bool client_admitted = false;
    std::optional<Error> refusal;
    /// Set without a `refusal`, if Question::needs_route.  Lives as long as the Router.
    const Route* route = nullptr;
    AddressGuard::Client place = AddressGuard::Client::here;  ///< for the guard
  };
  using Done = Callback<void(Verdict)>;

  /// Both outlive it.  `max_connections` is for the text of a refusal.
  Gate(const AccessPolicy& access, const Router& router, std::size_t max_connections)
      : access_(access), router_(router), max_connections_(max_connections) {}

  /// Whether a client with this address may use the proxy, whatever it asks for.
  Result<void> admit(const std::optional<IpAddress>& client, bool certified = false,
                     Admission admission = Admission::serve) const;
  /// `done` is called once, maybe before ask() returns, and may destroy the caller.
  void ask(const Question& question, Done done) const;

 private:
  std::optional<Error> objection_to_one_more(Admission admission, std::string_view target) const;
  std::optional<Error> objection_to_client(const Question& question) const;

  const AccessPolicy& access_;
  const Router& router_;
  std::size_t max_connections_;
};

}  // namespace culvert
