#pragma once

#include <string_view>

#include "base/host_port.h"
#include "codec/http_head.h"

namespace culvert {

/// The target of a proxy request (RFC 9112 section 3.2).
struct RequestTarget {
  enum class Form { authority, absolute, asterisk };
  Form form = Form::authority;
  HostPort authority;  ///< host and port of the target
  /// absolute-form: path and query, a view into the target.  It is as received: empty for
  /// "http://host" and "?q" for "http://host?q", which origin-form writes as "/" and "/?q", and may
  /// hold bytes beyond ASCII, which are written percent-encoded.
  std::string_view path;
};

/// authority-form for CONNECT (a port is required), absolute-form with scheme http for other
/// methods, or ws for those with Upgrade.  Everything else is refused, with a text that names the
/// mistake: origin-form ("this is a proxy, not a web server ..."), https:// in absolute-form,
/// ftp://, userinfo, fragments, bad ports.  Host field rules of RFC 9112 section 3.2 (exactly one
/// in HTTP/1.1, valid) apply too, but a CONNECT needs none.  The value decides nothing: any
/// reg-name is valid. `out` keeps the capacity of its host name; its value after a failure is
/// unspecified.
Result<void> parse_request_target(const RequestHead& head, RequestTarget& out);

}  // namespace culvert
