#pragma once

#include <string>

#include "base/host_port.h"
#include "base/secret.h"

namespace culvert {

/// Where an admin interface is, to ask it.
struct AdminPlace {
  std::string path{};  ///< of a unix socket; empty: it is at `host`
  HostPort host{};
  bool tls = false;
  Secret authorization{};  ///< value of that field; may be empty

  /// "https://127.0.0.1:9090", "unix:/run/x.sock"
  std::string shown() const;
};

}  // namespace culvert
