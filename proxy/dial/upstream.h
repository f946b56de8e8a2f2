#pragma once

#include <memory>

#include "base/secret.h"
#include "config/config.h"
#include "dial/transport.h"
#include "net/tls.h"
#include "policy/breaker.h"

namespace culvert {

/// A named way out as one worker sees it: its configuration, and what is remembered about it.
struct Upstream {
  UpstreamConfig config;
  std::shared_ptr<Transport> transport;
  std::shared_ptr<const TlsClientContext> tls;  ///< kind https only
  TlsSessionSlot session;
  Breaker breaker;
  bool refuses = false;  ///< the last failure was a refused TCP connection: cheap to try again
  Secret authorization;  ///< value of Proxy-Authorization for requests in absolute-form; may be empty
};

}  // namespace culvert
