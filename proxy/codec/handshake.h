#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace culvert {

/// The client's side of a handshake with an upstream proxy: bytes in, bytes out, no sockets and no
/// clock.  One object serves one handshake.  The driver's loop:
///
///   write(take_output()); while (!done()) { consume(read()); write(take_output()); }
///
/// The errors' texts are clauses to stand behind "upstream NAME ": "refused our credentials".
class Handshake {
 public:
  virtual ~Handshake() = default;

  /// The next whole message to send, or nothing while a reply is awaited.  Each call is to be one
  /// write: some servers read a message with one recv (INTEROP: microsocks).
  virtual std::string take_output() = 0;

  /// Takes received bytes; returns how many were used.  Fewer than given only when the handshake
  /// is done(): the rest belongs to the tunnel.
  virtual Result<std::size_t> consume(std::string_view bytes) = 0;

  virtual bool done() const = 0;

  /// After consume() failed: the answer was to the time that passed before the request (HTTP's
  /// 408), and says nothing about the request.
  virtual bool asked_too_late() const { return false; }

  /// What it means that the upstream closed the connection now.
  virtual Error eof() const = 0;

  /// The phase that is being waited for, for timeouts and logs: "greeting", "authentication",
  /// "request".
  virtual std::string_view phase() const = 0;
};

}  // namespace culvert
