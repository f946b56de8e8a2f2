#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace culvert {

/// What a client accepts as a manifest: those of images and of lists of images, of docker and OCI.
extern const char* const kManifestTypes;

/// What follows from a manifest.
struct ManifestNext {
  enum class Kind {
    none,   ///< it is none, or has nothing that could be asked for
    image,  ///< `digest` is that of another manifest
    blob,   ///< `digest` is that of a blob
    unfit,  ///< a list without an image for this machine; see `platforms`
  };
  Kind kind = Kind::none;
  std::string digest;
  std::optional<std::uint64_t> size;   ///< of the blob, if the manifest tells
  std::string what;                    ///< "list of 5, linux/amd64", "3 layers, 45.2 MB"
  std::vector<std::string> platforms;  ///< kind unfit: those of the list, "linux/arm/v7", cleaned
};

/// Of a list the image that docker takes on a Linux machine of `architecture` ("amd64"); of an
/// image the first layer that the registry itself has, or else its configuration.
ManifestNext read_manifest(const Json& manifest, std::string_view architecture);

/// This machine's, as images name it.
std::string_view own_architecture();

/// What a registry, or the storage of its blobs, says of a failure: its code and text, cleaned
/// ("MANIFEST_UNKNOWN: manifest unknown"); empty if the body has none.
std::string registry_error(std::string_view body);

}  // namespace culvert
