#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "config/config.h"

namespace culvert {

/// The ports of --tunnels, which stay the same from their choice to the end of the process.
class TunnelPorts {
 public:
  /// What another process has chosen.
  void take_over(std::vector<std::uint16_t> ports) { ports_ = std::move(ports); }
  /// Has each upstream of `config` that is at a tunnel's port reached there.  Those that are not
  /// chosen yet are chosen now.  False: none is free.
  bool give_to(Config& config);
  /// 0: none was chosen.
  std::uint16_t of(std::size_t tunnel) const {
    return tunnel == 0 || tunnel > ports_.size() ? 0 : ports_[tunnel - 1];
  }

 private:
  std::vector<std::uint16_t> ports_;
};

}  // namespace culvert
