#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/callback.h"
#include "base/error.h"
#include "base/host_port.h"
#include "policy/access_policy.h"
#include "policy/address_guard.h"
#include "policy/router.h"

namespace culvert {

/// Is there room for one more client?  One that is not served is still heard, so that it sees the
/// answer.
enum class Admission : std::uint8_t {
  serve,
  draining,  ///< we are about to leave
  full,      ///< --max-connections is reached
};

/// May this client have this target, and by which route?  Asked once a request, before anybody is
/// dialed; what a name resolves to is the AddressGuard's question, later.
class Gate {
 public:
  struct Question {
    const std::optional<IpAddress>& client;  ///< nullopt for a unix socket
    Admission admission = Admission::serve;
    const HostPort& target;
    bool looped = false;      ///< the request has passed through this proxy before
    bool needs_route = true;  ///< false: we answer it ourselves, or not at all
  };
  struct Verdict {
    /// The client is one that we serve; only the target may be denied.
    bool client_admitted = false;
    std::optional<Error> refusal;
    /// With neither `refusal` nor Question::needs_route false.  Lives as long as the Router.
    const Route* route = nullptr;
    AddressGuard::Client place = AddressGuard::Client::here;  ///< for the guard
  };
  using Done = Callback<void(Verdict)>;

  /// Both outlive it.  `max_connections` is for the text of a refusal.
  Gate(const AccessPolicy& access, const Router& router, std::size_t max_connections)
      : access_(access), router_(router), max_connections_(max_connections) {}

  /// `done` comes once, maybe before ask() returns, and may destroy who asked.
  void ask(const Question& question, Done done) const;

 private:
  std::optional<Error> objection_to_client(const Question& question) const;

  const AccessPolicy& access_;
  const Router& router_;
  std::size_t max_connections_;
};

}  // namespace culvert
