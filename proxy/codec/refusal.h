#pragma once

#include <optional>
#include <string_view>

#include "base/host_port.h"
#include "base/secret.h"
#include "codec/handshake.h"
#include "codec/http_head.h"

namespace culvert {

/// The failure that `answer`, a proxy's refusal of CONNECT to `target`, means.  Its clause names
/// status and target, and of the cause what there is: from fields, from `body_line`, the first line
/// of its body (see RefusalBody; may be empty), and its reason phrase; then what may help.  Of
/// `credentials`, those that were sent, it repeats nothing.
HandshakeFailure refusal_of(const ResponseHead& answer, std::string_view body_line,
                            const HostPort& target, const std::optional<Credentials>& credentials);

/// The body of `answer` may tell more than its fields do.
bool wants_body(const ResponseHead& answer);

}  // namespace culvert
