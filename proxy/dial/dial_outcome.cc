#include "dial/dial_outcome.h"

#include "dial/dial.h"

namespace culvert {

bool DialFailure::proxy_failed() const {
  if (cause.side != Side::upstream) return false;
  return phase == DialPhase::connect || phase == DialPhase::tls || phase == DialPhase::greeting;
}

Proof proof_of(const UpstreamResult& result, Replied replied, bool was_silent) {
  if (result) {
    // A plain request's dial through an HTTP proxy has received nothing.
    return replied == Replied::to_request || !was_silent ? Proof::works : Proof::none;
  }
  if (result.error().proxy_failed()) return Proof::fails;
  if (is_silence(result.error().cause)) {
    return replied == Replied::to_request ? Proof::none : Proof::silent;
  }
  return replied == Replied::nothing ? Proof::none : Proof::works;
}

}  // namespace culvert
