#pragma once

#include <memory>

#include "base/host_port.h"
#include "dial/dial.h"
#include "net/loop.h"
#include "policy/address_guard.h"

namespace culvert {

/// How an upstream's proxy (or, for direct, the target) is reached: from this machine, or in tests
/// by a script.
class Transport {
 public:
  virtual ~Transport() = default;
  /// `side` is the address's, for the errors, whose texts are clauses that follow the address.
  /// `check` is applied to the addresses of a name that is resolved here.
  virtual std::unique_ptr<Dial> dial(const HostPort& address, Side side, const AddressCheck& check,
                                     DialDone done) = 0;
};

/// Connects from this machine.
class TcpTransport final : public Transport {
 public:
  explicit TcpTransport(Loop& loop) : loop_(loop) {}
  std::unique_ptr<Dial> dial(const HostPort& address, Side side, const AddressCheck& check,
                             DialDone done) override;

 private:
  Loop& loop_;
};

}  // namespace culvert
