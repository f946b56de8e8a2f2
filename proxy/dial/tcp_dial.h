#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/host_port.h"
#include "dial/dial.h"
#include "net/resolver.h"
#include "net/tcp_stream.h"
#include "net/timer.h"
#include "policy/address_guard.h"

namespace culvert {

/// Connects to a host and port from this machine: looks the name up if it is one, then tries its
/// addresses by RFC 8305 ("Happy Eyeballs"): families in turn, the next one after a failure or 250
/// ms, the first that connects wins.  Error texts are clauses that follow the address.  Has no time
/// limit of its own.
class TcpDial final : public Dial, private StreamEvents {
 public:
  /// `side` is the address's, for the errors.  Of a name's addresses only those that `check`
  /// permits are tried; a literal was checked by the caller.
  TcpDial(Loop& loop, const HostPort& address, Side side, const AddressCheck& check, DialDone done);
  ~TcpDial();

  void start() override;
  bool resolving() const override { return lookup_ != nullptr; }

 private:
  void on_found(Lookup::Found found);
  void on_delay() { try_next(); }
  void on_ready(Stream& stream) override;
  void try_next();
  void fail_attempt(Error error);
  void finish(DialResult result);

  Loop& loop_;
  HostPort address_;
  Side side_;
  AddressCheck check_;
  DialDone done_;
  std::unique_ptr<Lookup> lookup_;
  std::vector<IpAddress> candidates_;
  std::size_t next_ = 0;
  std::vector<std::unique_ptr<TcpStream>> attempts_;
  Timer delay_;
  std::optional<Error> failure_;  // the most specific one so far
};

/// RFC 8305 section 4: the families alternate, beginning with the first address's.
std::vector<IpAddress> interleave_families(const std::vector<IpAddress>& addresses);

}  // namespace culvert
