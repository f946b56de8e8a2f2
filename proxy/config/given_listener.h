#pragma once

#include <optional>
#include <string>

#include "config/config.h"

namespace culvert {

/// One `--listen`, and what it means.
struct GivenListener {
  std::string text;  ///< as given: "https://10.0.0.5:3129?cert=/etc/proxy.crt&key=/etc/proxy.key"
  /// For a client that names a proxy elsewhere, `address` may be a name, without an ip, and TLS
  /// without a certificate.
  ListenConfig listen;
  /// The IPv6 one of a pair of addresses (PORT, localhost:PORT, :PORT), whose other is `listen`.
  std::optional<ListenConfig> second{};
};

}  // namespace culvert
