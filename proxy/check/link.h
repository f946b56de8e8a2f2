#pragma once

#include <string>
#include <string_view>

#include "base/host_port.h"
#include "base/result.h"

namespace culvert {

/// An http:// or https:// URL that is requested.
struct Link {
  bool tls = true;
  HostPort host;
  std::string path = "/";  ///< and query, in origin-form; without fragment

  /// ws:// and wss:// are read as http:// and https://.  User and password are left out.  The error
  /// repeats none of what may be a credential.
  static Result<Link> parse(std::string_view url);
  /// What Location means in an answer to a request for this (RFC 3986 section 5.2).
  Result<Link> resolve(std::string_view location) const;

  /// The value of Host: without a port that the scheme implies.
  std::string host_field() const;
  /// "https://gcr.io": path and query may be a secret.
  std::string shown() const;
  /// Path and query are percent-encoded where they hold what no request target may.
  std::string url() const { return shown() + path; }
};

}  // namespace culvert
