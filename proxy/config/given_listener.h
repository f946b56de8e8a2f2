#pragma once

#include <string>

#include "config/config.h"

namespace culvert {

/// One `--listen`, and what it means; of a pair of addresses the first.
struct GivenListener {
  std::string text;  ///< as given: "https://10.0.0.5:3129?cert=/etc/proxy.crt&key=/etc/proxy.key"
  /// For a client that names a proxy elsewhere, `address` may be a name, without an ip, and TLS
  /// without a certificate.
  ListenConfig listen;
};

}  // namespace culvert
