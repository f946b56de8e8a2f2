#include "check/manifest.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "base/text.h"
#include "check/peer_words.h"

namespace culvert {
namespace {

constexpr std::size_t kMostOfDigest = 200;
constexpr std::size_t kMostOfPlatform = 30;
constexpr std::size_t kMostOfError = 120;
constexpr std::int64_t kMostOfBlob = std::int64_t{1} << 40;

/// Empty if it is none that could stand in a path.
std::string digest_of(const Json& descriptor, std::string_view member = "digest") {
  const std::string digest = descriptor.at(member).text().value_or("");
  const bool clean = digest.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789:+._-") == digest.npos;
  return clean && digest.size() <= kMostOfDigest ? digest : "";
}

/// The names of machines that images have beside those of Go.
std::string architecture_of(const Json& platform) {
  const std::string name = to_lower(platform.at("architecture").text().value_or(""));
  if (name == "x86_64" || name == "x86-64") return "amd64";
  return name == "aarch64" ? "arm64" : name;
}

/// "linux/arm/v7"; empty if it names none.
std::string platform_of(const Json& entry) {
  const Json platform = entry.at("platform");
  const std::string os = to_lower(platform.at("os").text().value_or(""));
  const std::string architecture = architecture_of(platform);
  if (os.empty() && architecture.empty()) return {};
  const std::string variant = platform.at("variant").text().value_or("");
  return printable(os + "/" + architecture + (variant.empty() ? "" : "/" + variant),
                   kMostOfPlatform);
}

/// Whether each machine of that architecture runs it.
bool is_common(std::string_view architecture, std::string_view variant) {
  if (architecture == "amd64") return variant.empty() || variant == "v1";
  if (architecture == "arm64") return variant.empty() || variant == "v8" || variant == "8";
  return true;
}

/// How well an entry of a list fits, the least is best: of the architecture itself; of an older one
/// that it runs as well; of none that is named.  nullopt: not at all.
std::optional<int> misfit(const Json& entry, std::string_view wanted) {
  if (platform_of(entry).empty()) return 2;
  const Json platform = entry.at("platform");
  if (to_lower(platform.at("os").text().value_or("")) != "linux") return std::nullopt;
  const std::string architecture = architecture_of(platform);
  if (architecture == wanted) {
    const std::string variant = platform.at("variant").text().value_or("");
    return is_common(architecture, variant) ? std::optional(0) : std::nullopt;
  }
  const bool runs_as_well =
      (wanted == "amd64" && architecture == "386") || (wanted == "arm64" && architecture == "arm");
  return runs_as_well ? std::optional(1) : std::nullopt;
}

/// Those that can be asked for by name; no attestations, whose platform is unknown/unknown.
std::vector<std::string> platforms_of(const std::vector<Json>& entries) {
  std::vector<std::string> found;
  for (const Json& entry : entries) {
    const std::string platform = platform_of(entry);
    const bool known = std::find(found.begin(), found.end(), platform) != found.end();
    if (!known && !platform.empty() && !platform.starts_with("unknown/")) {
      found.push_back(platform);
    }
  }
  return found;
}

ManifestNext read_list(const std::vector<Json>& entries, std::string_view architecture) {
  ManifestNext next;
  if (entries.empty()) return next;
  const Json* chosen = nullptr;
  int least = std::numeric_limits<int>::max();
  for (const Json& entry : entries) {
    const auto found = misfit(entry, architecture);
    if (!found || *found >= least) continue;
    least = *found;
    chosen = &entry;
  }
  next.what = "list of ";
  append_number(next.what, entries.size());
  if (chosen == nullptr) {
    next.kind = ManifestNext::Kind::unfit;
    next.platforms = platforms_of(entries);
    return next;
  }
  next.digest = digest_of(*chosen);
  if (!next.digest.empty()) next.kind = ManifestNext::Kind::image;
  if (const std::string platform = platform_of(*chosen); !platform.empty()) {
    next.what += ", " + platform;
  }
  return next;
}

std::optional<std::uint64_t> size_of(const Json& descriptor) {
  const auto bytes = descriptor.at("size").integer();
  if (!bytes || *bytes < 0 || *bytes >= kMostOfBlob) return std::nullopt;
  return static_cast<std::uint64_t>(*bytes);
}

std::string megabytes(std::uint64_t bytes) {
  std::string text;
  append_number(text, bytes / 1'000'000);
  text += '.';
  append_number(text, bytes / 100'000 % 10);
  return text + " MB";
}

ManifestNext read_image(const Json& manifest, const std::vector<Json>& layers) {
  ManifestNext next;
  std::uint64_t size = 0;
  const auto take = [&](const Json& blob) {
    next.digest = digest_of(blob);
    next.size = size_of(blob);
  };
  for (const Json& layer : layers) {
    size += size_of(layer).value_or(0);
    // One with `urls` need not be in the registry.
    if (next.digest.empty() && !layer.has("urls")) take(layer);
  }
  if (next.digest.empty()) take(manifest.at("config"));
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

std::string code_and_message(std::string_view code, std::string_view message) {
  const std::string first = peer_words(code, kMostOfError);
  const std::string second = peer_words(message, kMostOfError);
  if (first.empty() || second.empty()) return first + second;
  return printable(first + ": " + second, kMostOfError);
}

/// What stands in the first element of that name.
std::string_view xml_text(std::string_view body, std::string_view name) {
  const std::string open = "<" + std::string(name) + ">";
  const std::size_t begin = body.find(open);
  if (begin == body.npos) return {};
  const std::string_view rest = body.substr(begin + open.size());
  return rest.substr(0, rest.find('<'));
}

/// Of S3 and what speaks like it.
std::string storage_error(std::string_view body) {
  if (!trim_space(body).starts_with('<')) return {};
  return code_and_message(xml_text(body, "Code"), xml_text(body, "Message"));
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
  if (!json) return storage_error(body);
  const std::vector<Json> errors = json->at("errors").elements();
  const Json& error = errors.empty() ? *json : errors.front();
  std::string message;
  for (const char* const name : {"message", "details"}) {
    if (message.empty()) message = error.at(name).text().value_or("");
  }
  return code_and_message(error.at("code").text().value_or(""), message);
}

}  // namespace culvert
