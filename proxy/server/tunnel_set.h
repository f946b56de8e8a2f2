#pragma once

#include <cstddef>
#include <cstdint>

namespace culvert {

/// Some of --tunnels: the first is the lowest bit.
using TunnelSet = std::uint32_t;

inline constexpr TunnelSet kAllTunnels = ~TunnelSet{0};

/// 0 for no tunnel, which has the number 0.
constexpr TunnelSet tunnel_bit(std::size_t tunnel) {
  return tunnel == 0 ? 0 : TunnelSet{1} << (tunnel - 1);
}

}  // namespace culvert
