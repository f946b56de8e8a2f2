#pragma once

#include <cstdint>
#include <string_view>

namespace culvert {

/// Recognises one direction of a connection that begins as TLS does: with a handshake record that
/// holds a ClientHello or a ServerHello (RFC 8446 sections 4 and 5.1; the same back to SSL 3).
class TlsOpening {
 public:
  /// The direction's first bytes, in order and in any pieces; more than are needed are ignored.
  void feed(std::string_view bytes);
  /// All that is needed has been seen, and it is TLS.
  bool recognised() const { return seen_ == kBytes; }

 private:
  static constexpr std::uint8_t kBytes = 6;  // the record's header, and the message's type
  static constexpr std::uint8_t kOther = 0xff;

  bool fits(std::uint8_t byte) const;

  std::uint8_t seen_ = 0;  // kOther: it is something else
};

}  // namespace culvert
