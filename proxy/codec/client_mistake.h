#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/host_port.h"

namespace culvert {

/// A client that speaks something else than HTTP/1 to us.
struct ClientMistake {
  Error error;         ///< its text names the fix
  std::string answer;  ///< to be sent, in the client's own protocol; empty: a response in HTTP/1
};

/// Recognises one by its connection's first bytes.
std::optional<ClientMistake> client_mistake(std::string_view first_bytes);

/// `first_bytes` are too few to tell some of these protocols from HTTP/1.
bool may_become_mistake(std::string_view first_bytes);

/// For a client of SOCKS `version` (the first byte) on a port that serves none: `scheme` of its
/// --listen ("https://").
ClientMistake socks_is_not_served(char version, std::string_view scheme);

/// For a request in origin-form whose Host is `server`, not this proxy: its client sends what it
/// would send to that server itself, as PHP does without request_fulluri.
Error url_is_missing(const HostPort& server);

}  // namespace culvert
