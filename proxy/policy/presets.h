#pragma once

#include <span>
#include <string_view>

namespace culvert {

/// Hosts that a pull from a well-known registry touches.  Best effort: registries move their
/// storage without notice, so a preset serves to choose a route; used to forbid everything else, it
/// may need another host some day.
struct Preset {
  std::string_view name;                       ///< "gcr"
  std::span<const std::string_view> patterns;  ///< as TargetPattern reads them
};

std::span<const Preset> presets();

/// nullptr if there is none of that name.
const Preset* find_preset(std::string_view name);

}  // namespace culvert
