#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace culvert {

/// Hosts that a pull from a well-known registry touches.  Best effort: registries move their
/// storage without notice, so a preset serves to choose a route; used to forbid everything else, it
/// may need another host some day.
struct Preset {
  std::string_view name;                       ///< "gcr"
  std::string_view checked;                    ///< on which day its hosts were checked last
  std::span<const std::string_view> patterns;  ///< as TargetPattern reads them
  /// So many of them, the first ones, are registries, which images are named after; the others are
  /// where those keep blobs and give out tokens.
  std::size_t registry_count;

  constexpr std::span<const std::string_view> registries() const {
    return patterns.first(registry_count);
  }
};

/// The last one is "containers", all others together.
std::span<const Preset> presets();

/// nullptr if there is none of that name.
const Preset* find_preset(std::string_view name);

/// For "preset:gcr" the name, in the case in which it is given; nullopt if that is a host's
/// pattern.
std::optional<std::string_view> preset_name(std::string_view pattern);

}  // namespace culvert
