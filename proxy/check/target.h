#pragma once

#include <string>
#include <string_view>

#include "base/host_port.h"
#include "base/result.h"
#include "check/image_reference.h"

namespace culvert {

/// What `culvert check` is asked about.
struct CheckTarget {
  enum class Kind { url, host, image };

  Kind kind = Kind::url;
  std::string shown;     ///< as given, without what may be a credential
  HostPort address;      ///< where the way leads to
  bool tls = true;       ///< kinds url and host: it is spoken there
  std::string path;      ///< kind url: path and query, as sent
  ImageReference image;  ///< kind image

  /// In this order:
  ///   SCHEME://...      a URL; with docker:// in front, an image
  ///   NAME/... NAME@... an image
  ///   HOST:PORT         a host: with a '.' in its name, localhost, or an address
  ///   NAME:NUMBER       an image and its tag (redis:7), but a host if the number is 80, 443 or
  ///                     above 1023 (proxy:3128)
  ///   HOST              a host if its name has a '.' (gcr.io), else an image (nginx)
  ///   NAME:TAG          an image
  /// The error is a clause that follows what was given.
  static Result<CheckTarget> parse(std::string_view text);
};

}  // namespace culvert
