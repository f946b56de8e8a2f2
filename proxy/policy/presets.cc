#include "policy/presets.h"

#include <array>

namespace culvert {
namespace {

constexpr std::array<std::string_view, 4> kGcr = {
    "gcr.io:443", "*.gcr.io:443",
    "*.pkg.dev:443",               // regional Artifact Registry hosts
    "storage.googleapis.com:443",  // where blobs were redirected to before gcr.io served them
};

// Blobs come from a storage bucket near the far end of the tunnel; there are some forty of them and
// their names follow no rule that a pattern could express.
constexpr std::array<std::string_view, 4> kK8s = {
    "registry.k8s.io:443",
    "k8s.gcr.io:443",
    "*.pkg.dev:443",
    "*.amazonaws.com:443",
};

constexpr std::array<std::string_view, 5> kDockerHub = {
    "docker.io:443",
    "*.docker.io:443",
    "production.cloudflare.docker.com:443",
    "production.cloudfront.docker.com:443",
    "docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com:443",
};

constexpr std::array<Preset, 3> kPresets = {{
    {"gcr", kGcr},
    {"k8s", kK8s},
    {"dockerhub", kDockerHub},
}};

}  // namespace

std::span<const Preset> presets() { return kPresets; }

const Preset* find_preset(std::string_view name) {
  for (const Preset& preset : kPresets) {
    if (preset.name == name) return &preset;
  }
  return nullptr;
}

}  // namespace culvert
