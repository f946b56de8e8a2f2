#include "policy/presets.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/text.h"

namespace culvert {
namespace {

constexpr std::string_view kPresetPrefix = "preset:";

constexpr std::string_view kChecked = "2026-11-28";

constexpr std::array<std::string_view, 4> kGcr = {
    "gcr.io:443", "*.gcr.io:443",
    "*.pkg.dev:443",               // regional Artifact Registry hosts
    "storage.googleapis.com:443",  // where blobs were redirected to before gcr.io served them
};

// Blobs come from a storage bucket near the far end of the tunnel; there are some forty of them and
// their names follow no rule that a pattern could express.  Since 2026-07-29 they come from a CDN,
// the third and fourth (kubernetes/registry.k8s.io#328).
constexpr std::array<std::string_view, 6> kK8s = {
    "registry.k8s.io:443",  "k8s.gcr.io:443", "cdn.registry.k8s.io:443",
    "*.cloudfront.net:443", "*.pkg.dev:443",  "*.amazonaws.com:443",
};

constexpr std::array<std::string_view, 7> kDockerHub = {
    "docker.io:443",
    "*.docker.io:443",
    "dhi.io:443",  // Docker Hardened Images
    "registry.scout.docker.com:443",
    "production.cloudflare.docker.com:443",
    "production.cloudfront.docker.com:443",
    "docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com:443",
};

constexpr std::array<std::string_view, 2> kGhcr = {
    "ghcr.io:443",
    "pkg-containers.githubusercontent.com:443",
};

constexpr std::array<std::string_view, 2> kQuay = {
    "quay.io:443",
    "*.quay.io:443",  // cdn.quay.io, cdn01.quay.io and so on
};

constexpr std::array<std::string_view, 2> kMcr = {
    "mcr.microsoft.com:443",
    "*.data.mcr.microsoft.com:443",
};

constexpr std::array<std::string_view, 2> kEcr = {
    "public.ecr.aws:443",
    "*.cloudfront.net:443",
};

constexpr std::array<std::string_view, 3> kNvidia = {
    "nvcr.io:443",
    "*.nvcr.io:443",
    "authn.nvidia.com:443",
};

constexpr std::array<std::string_view, 10> kRedHat = {
    "registry.redhat.io:443", "registry.access.redhat.com:443",
    "sso.redhat.com:443",     "cdn.quay.io:443",
    "cdn01.quay.io:443",      "cdn02.quay.io:443",
    "cdn03.quay.io:443",      "cdn04.quay.io:443",
    "cdn05.quay.io:443",      "cdn06.quay.io:443",
};

constexpr std::array<Preset, 9> kEach = {{
    {"gcr", kChecked, kGcr, 3},
    {"k8s", kChecked, kK8s, 2},
    {"dockerhub", kChecked, kDockerHub, 4},
    {"ghcr", kChecked, kGhcr, 1},
    {"quay", kChecked, kQuay, 1},
    {"mcr", kChecked, kMcr, 1},
    {"ecr", kChecked, kEcr, 1},
    {"nvidia", kChecked, kNvidia, 2},
    {"redhat", kChecked, kRedHat, 2},
}};

/// Patterns without duplicates.
struct Union {
  constexpr void add(std::span<const std::string_view> more) {
    for (const std::string_view pattern : more) {
      const auto end = patterns.begin() + size;
      if (std::find(patterns.begin(), end, pattern) == end) {
        patterns[static_cast<std::size_t>(size++)] = pattern;
      }
    }
  }

  std::array<std::string_view, 64> patterns{};
  std::ptrdiff_t size = 0;
  std::size_t registry_count = 0;
};

constexpr Union kAll = [] {
  Union all;
  for (const Preset& preset : kEach) all.add(preset.registries());
  all.registry_count = static_cast<std::size_t>(all.size);
  for (const Preset& preset : kEach) all.add(preset.patterns);
  return all;
}();

constexpr auto kPresets = [] {
  std::array<Preset, kEach.size() + 1> all{};
  std::copy(kEach.begin(), kEach.end(), all.begin());
  all.back() = {"containers",
                kChecked,
                {kAll.patterns.data(), static_cast<std::size_t>(kAll.size)},
                kAll.registry_count};
  return all;
}();

}  // namespace

std::span<const Preset> presets() { return kPresets; }

const Preset* find_preset(std::string_view name) {
  for (const Preset& preset : kPresets) {
    if (preset.name == name) return &preset;
  }
  return nullptr;
}

std::optional<std::string_view> preset_name(std::string_view pattern) {
  if (!iequals(pattern.substr(0, kPresetPrefix.size()), kPresetPrefix)) return std::nullopt;
  return pattern.substr(kPresetPrefix.size());
}

}  // namespace culvert
