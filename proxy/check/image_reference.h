#pragma once

#include <string>
#include <string_view>

#include "base/host_port.h"
#include "base/result.h"

namespace culvert {

/// What one gives to `docker pull`: [HOST[:PORT]/]NAME[:TAG][@DIGEST].
struct ImageReference {
  std::string host;        ///< as docker names it, with its port if there is one: "docker.io"
  HostPort registry;       ///< where its API is: registry-1.docker.io:443
  std::string repository;  ///< "library/nginx"
  std::string tag;         ///< "latest" if neither tag nor digest is given; may be empty
  std::string digest;      ///< "sha256:..."; may be empty

  /// As docker reads it: what is before the first '/' is a host if it contains a '.' or a ':', is
  /// "localhost", or has an upper-case letter; else the host is docker.io, whose images without a
  /// '/' are those of library/.  The error names the mistake.
  static Result<ImageReference> parse(std::string_view text);

  /// What a request for its manifest names: the digest, or else the tag.
  const std::string& version() const { return digest.empty() ? tag : digest; }
  /// In full: "docker.io/library/nginx:latest".
  std::string to_string() const;
};

}  // namespace culvert
