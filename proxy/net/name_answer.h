#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ip_address.h"

namespace culvert {

/// What became of a question for a name's addresses.  Of several failures the last in this order is
/// reported: it may hide an address, while those before are knowledge.
enum class NameOutcome : std::uint8_t {
  found,
  no_name,        ///< NXDOMAIN
  no_address,     ///< the name exists, and has no address
  refused,        ///< the DNS server answered REFUSED
  server_failed,  ///< the DNS server answered SERVFAIL
  bad_answer,     ///< the DNS server answered what we cannot read
  no_answer,      ///< in time
  unreachable,    ///< no DNS server listens
  no_room,        ///< we have no descriptor or memory left to ask
};

struct NameAnswer {
  NameOutcome outcome = NameOutcome::no_answer;
  std::vector<IpAddress> addresses;  ///< not empty if found
};

/// The answers for a name's two families (A and AAAA), which come one by one.
class FamilyAnswers {
 public:
  void set(IpAddress::Family family, NameAnswer answer);

  /// There is nothing more to wait for.  If no server can be asked, the other family may not hear
  /// of it: the system reports it once to a socket.
  bool complete() const;
  /// One family has addresses, and the other has not answered.
  bool half_found() const;
  /// All of which is known: the addresses, IPv6 first, or the outcome that explains most.
  NameAnswer combined() const;

 private:
  std::array<std::optional<NameAnswer>, 2> answers_;
};

/// After this outcome the next name of a search list is tried.
bool continues_search(NameOutcome outcome);

/// `outcome`, which is a failure, as an error: its text is a clause that follows the name, whose
/// side `side` is.
Error lookup_error(NameOutcome outcome, Side side);

}  // namespace culvert
