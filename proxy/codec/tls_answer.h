#pragma once

#include <cstdint>
#include <string_view>

namespace culvert {

/// What the first bytes that follow a ClientHello are (RFC 8446 sections 4 to 6; the same back to
/// SSL 3).
enum class TlsAnswer : std::uint8_t {
  incomplete,    ///< too few to tell
  server_hello,  ///< a handshake record that begins with a ServerHello
  alert,         ///< of a TLS server that refuses the ClientHello
  other,         ///< no TLS server's
};

/// `first_bytes` are all that was received.
TlsAnswer judge_tls_answer(std::string_view first_bytes);

}  // namespace culvert
