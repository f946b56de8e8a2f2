#pragma once

#include <cstdint>
#include <optional>

#include "base/ip_address.h"

namespace culvert {

/// One end of a TCP connection.
struct SocketEnd {
  IpAddress ip;
  std::uint16_t port = 0;

  friend bool operator==(const SocketEnd&, const SocketEnd&) = default;
};

/// The two ends of a client's connection; nullopt for what is not TCP, or not known.
struct ConnectionEnds {
  std::optional<SocketEnd> client;
  std::optional<SocketEnd> reached;  ///< the address that the client has connected to

  friend bool operator==(const ConnectionEnds&, const ConnectionEnds&) = default;
};

/// Versions of the PROXY protocol, by which a proxy tells the next one of these ends.
enum class ProxyVersion : std::uint8_t { v1, v2 };

}  // namespace culvert
