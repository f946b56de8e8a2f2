#include "check/manifest.h"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/text.h"

namespace culvert {
namespace {

constexpr std::size_t kMostOfDigest = 200;
constexpr std::size_t kMostOfPlatform = 30;
constexpr std::size_t kMostOfError = 120;

/// Empty if it is none that could stand in a path.
std::string digest_of(const Json& descriptor, std::string_view member = "digest") {
  const std::string digest = descriptor.at(member).text().value_or("");
  const bool clean = digest.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789:+._-") == digest.npos;
  return clean && digest.size() <= kMostOfDigest ? digest : "";
}

std::string platform_of(const Json& entry) {
  const Json platform = entry.at("platform");
  const std::string os = platform.at("os").text().value_or("");
  const std::string architecture = platform.at("architecture").text().value_or("");
  return os.empty() && architecture.empty() ? ""
                                            : printable(os + "/" + architecture, kMostOfPlatform);
}

ManifestNext read_list(const std::vector<Json>& entries, std::string_view architecture) {
  ManifestNext next;
  if (entries.empty()) return next;
  const std::string wanted = "linux/" + std::string(architecture);
  const Json* chosen = &entries.front();
  for (const Json& entry : entries) {
    if (platform_of(entry) == wanted) {
      chosen = &entry;
      break;
    }
  }
  next.digest = digest_of(*chosen);
  if (!next.digest.empty()) next.kind = ManifestNext::Kind::image;
  next.what = "list of ";
  append_number(next.what, entries.size());
  if (const std::string platform = platform_of(*chosen); !platform.empty()) {
    next.what += ", " + platform;
  }
  return next;
}

std::string megabytes(std::int64_t bytes) {
  std::string text;
  append_number(text, bytes / 1'000'000);
  text += '.';
  append_number(text, bytes / 100'000 % 10);
  return text + " MB";
}

ManifestNext read_image(const Json& manifest, const std::vector<Json>& layers) {
  ManifestNext next;
  std::int64_t size = 0;
  for (const Json& layer : layers) {
    if (const auto bytes = layer.at("size").integer();
        bytes && *bytes > 0 && *bytes < (1LL << 40)) {
      size += *bytes;
    }
    // One with `urls` need not be in the registry.
    if (next.digest.empty() && !layer.has("urls")) next.digest = digest_of(layer);
  }
  if (next.digest.empty()) next.digest = digest_of(manifest.at("config"));
  if (!next.digest.empty()) next.kind = ManifestNext::Kind::blob;
  append_number(next.what, layers.size());
  next.what += layers.size() == 1 ? " layer, " : " layers, ";
  next.what += megabytes(size);
  return next;
}

/// The format that went before (schema 1).
ManifestNext read_old_image(const std::vector<Json>& layers) {
  ManifestNext next;
  if (!layers.empty()) next.digest = digest_of(layers.front(), "blobSum");
  if (!next.digest.empty()) next.kind = ManifestNext::Kind::blob;
  next.what = "of schema 1, which newer engines refuse";
  return next;
}

}  // namespace

const char* const kManifestTypes =
    "application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json";

ManifestNext read_manifest(const Json& manifest, std::string_view architecture) {
  if (manifest.at("manifests").is_array()) {
    return read_list(manifest.at("manifests").elements(), architecture);
  }
  if (manifest.at("layers").is_array() || manifest.has("config")) {
    return read_image(manifest, manifest.at("layers").elements());
  }
  return read_old_image(manifest.at("fsLayers").elements());
}

std::string_view own_architecture() {
#if defined(__x86_64__)
  return "amd64";
#elif defined(__aarch64__)
  return "arm64";
#elif defined(__arm__)
  return "arm";
#elif defined(__i386__)
  return "386";
#elif defined(__powerpc64__)
  return "ppc64le";
#elif defined(__s390x__)
  return "s390x";
#elif defined(__riscv)
  return "riscv64";
#else
  return "amd64";
#endif
}

std::string registry_error(std::string_view body) {
  const auto json = Json::parse(body);
  if (!json) return {};
  const std::vector<Json> errors = json->at("errors").elements();
  const Json& error = errors.empty() ? *json : errors.front();
  std::string text = error.at("code").text().value_or("");
  for (const char* const name : {"message", "details"}) {
    const std::string words = error.at(name).text().value_or("");
    if (words.empty()) continue;
    if (!text.empty()) text += ": ";
    text += words;
    break;
  }
  return text.empty() ? text : printable(text, kMostOfError);
}

}  // namespace culvert
