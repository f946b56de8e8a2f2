#pragma once

#include <memory>

#include "dial/transport.h"
#include "dial/upstream.h"

namespace culvert {

/// Reaches an upstream's proxy through another upstream (`?via=NAME`), to any depth.  The errors'
/// texts are whole sentences: they name the hop that failed.
class ViaTransport final : public Transport {
 public:
  /// `hop` outlives this.
  ViaTransport(Loop& loop, Upstream& hop) : loop_(loop), hop_(hop) {}
  std::unique_ptr<Dial> dial(const HostPort& address, Side side, const AddressCheck& check,
                             DialDone done) override;

 private:
  Loop& loop_;
  Upstream& hop_;
};

}  // namespace culvert
