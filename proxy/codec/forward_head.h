#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "codec/body_framing.h"
#include "codec/connection_options.h"
#include "codec/http_head.h"
#include "codec/request_target.h"

namespace culvert {

/// Heads rewritten for the next hop, as RFC 9110 section 7.6 requires of an intermediary.  Nothing
/// is passed on raw: the start line, Host, framing, Connection and Via are ours; hop-by-hop fields
/// are removed, those that Connection names included; every other field keeps its value, its order
/// and its duplicates.

struct RequestForward {
  bool absolute_form = false;                 ///< for an upstream HTTP proxy; else origin-form
  std::string_view proxy_authorization;       ///< value of that field for the upstream; empty: none
  std::string_view pseudonym;                 ///< our name in Via
  bool keep_alive = true;                     ///< the connection to the next hop is kept
  bool upgrade = false;                       ///< pass on the Upgrade field
  BodyFraming framing;                        ///< as request_framing() decided
  std::optional<std::uint32_t> max_forwards;  ///< the new value of Max-Forwards
};

/// Appends the head for the next hop to `out`.  `target` is in absolute-form.
void append_request_head(const RequestHead& head, const RequestTarget& target,
                         const ConnectionOptions& options, const RequestForward& forward,
                         std::string& out);

struct ResponseForward {
  std::string_view pseudonym;  ///< our name in Via
  bool keep_alive = true;      ///< the client's connection is kept
  bool to_head = false;        ///< the request was HEAD
  BodyFraming framing;         ///< towards the client, see framing_for_client()
  std::string_view date;       ///< for a final response without Date (RFC 9110 section 6.6.1)
};

/// Appends the head for the client to `out`.  Upgrade is kept with 101 and 426 only.
void append_response_head(const ResponseHead& head, const ConnectionOptions& options,
                          const ResponseForward& forward, std::string& out);

}  // namespace culvert
