#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/body_framing.h"
#include "codec/connection_options.h"
#include "codec/http_head.h"
#include "codec/request_target.h"
#include "policy/address_guard.h"

namespace culvert {

/// A plain HTTP request as it was read, and what its head means for forwarding it.  The views point
/// into memory that lives until the exchange is over.
struct PlainRequest {
  RequestHead head;
  RequestTarget target;
  AddressCheck check;

  // What interpret() finds in the head.
  ConnectionOptions options;
  BodyFraming framing;
  bool expects_continue = false;  ///< the client waits for 100 before it sends the body
  bool upgrade = false;           ///< the client requests another protocol on this connection

  /// Fails, with the client's side, if two implementations might read it differently.
  Result<void> interpret();

  /// Sending it twice does what sending it once does (RFC 9110 section 9.2.2), and it has no body
  /// that would have to be kept for that.
  bool is_repeatable() const;
  /// To be answered by this proxy: it addresses the proxy (RFC 9110 section 9.3.7), or may not be
  /// forwarded any further (section 7.6.2).
  bool is_for_us() const;
  /// The complete response to a request that is_for_us(); the connection is closed after it.
  std::string own_answer() const;
};

}  // namespace culvert
