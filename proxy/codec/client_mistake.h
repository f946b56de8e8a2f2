#pragma once

#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/host_port.h"

namespace culvert {

/// Recognises, by a connection's first bytes, a client that speaks something else than HTTP/1 to
/// us; the error's text names the fix.  nullopt otherwise.
std::optional<Error> client_mistake(std::string_view first_bytes);

/// For a request in origin-form whose Host is `server`, not this proxy: its client sends what it
/// would send to that server itself, as PHP does without request_fulluri.
Error url_is_missing(const HostPort& server);

}  // namespace culvert
