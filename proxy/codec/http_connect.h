#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/host_port.h"
#include "base/secret.h"
#include "codec/handshake.h"

namespace culvert {

/// CONNECT (RFC 9110 section 9.3.6) to an upstream HTTP proxy, with preemptive Basic credentials
/// (RFC 7617) if given, and Via (RFC 9110 section 7.6.3) with `pseudonym`, our name there, unless
/// that is empty.  1xx responses are skipped, any 2xx is success: of their heads only the status
/// line and the end matter, and the tunnel begins right after that.  Of a refusal it takes the
/// cause from wherever the proxy tells it, see refusal_of(), if need be from its body.
std::unique_ptr<Handshake> make_http_connect_handshake(
    const HostPort& target, const std::optional<Credentials>& credentials,
    std::string_view pseudonym);

}  // namespace culvert
