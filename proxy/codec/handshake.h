#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace culvert {

/// The phases of getting a connection through a proxy, in their order.
enum class DialPhase : std::uint8_t {
  lookup,          ///< of the target: its name, and whether its address is permitted
  connect,         ///< to the proxy, or to the target itself
  tls,             ///< with the proxy
  greeting,        ///< before the request, without a target
  authentication,  ///< the same, with credentials
  request,         ///< for the target
};

constexpr std::string_view to_string(DialPhase phase) {
  switch (phase) {
    case DialPhase::lookup:
      return "lookup";
    case DialPhase::connect:
      return "connect";
    case DialPhase::tls:
      return "TLS";
    case DialPhase::greeting:
      return "greeting";
    case DialPhase::authentication:
      return "authentication";
    case DialPhase::request:
      break;
  }
  return "request";
}

/// Why a handshake failed.  The text is a clause that follows "upstream NAME ": "refused our
/// credentials".
struct HandshakeFailure : Error {
  /// The clause names the target already, so it is not appended.
  bool names_target = false;
  /// The reply is a timeout before the request arrived (HTTP's 408), and proves nothing about the
  /// request.
  bool too_late = false;
};

/// The client's side of a handshake with an upstream proxy: bytes in, bytes out, no sockets and no
/// clock.  One object serves one handshake.  The driver's loop:
///
///   write(take_output()); while (!done()) { consume(read()); write(take_output()); }
class Handshake {
 public:
  virtual ~Handshake() = default;

  /// The next whole message to send, or nothing while a reply is awaited.  Each call is to be one
  /// write: some servers read a message with one recv (INTEROP: microsocks).
  virtual std::string take_output() = 0;

  /// Takes received bytes; returns how many were used.  Fewer than given only when the handshake
  /// is done(): the rest belongs to the tunnel.
  virtual Result<std::size_t, HandshakeFailure> consume(std::string_view bytes) = 0;

  virtual bool done() const = 0;

  /// The upstream has refused, and only more about the reason is awaited, which is not worth a long
  /// wait: eof() is the failure with what was received of that.
  virtual bool is_refused() const { return false; }

  /// The failure if the upstream closes the connection now.
  virtual HandshakeFailure eof() const = 0;

  /// The phase whose reply is awaited: greeting, authentication or request.
  virtual DialPhase phase() const = 0;
};

}  // namespace culvert
