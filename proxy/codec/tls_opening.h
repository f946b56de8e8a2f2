#pragma once

#include <cstdint>
#include <string_view>

namespace culvert {

/// Recognises one direction of a connection that begins as TLS does: with a handshake record that
/// holds a ClientHello or a ServerHello (RFC 8446 sections 4 and 5.1; the same back to SSL 3).  And
/// an answer in HTTP/1.x, which a web server gives to TLS on its plain port.
class TlsOpening {
 public:
  /// The direction's first bytes, in order and in any pieces; more than are needed are ignored.
  void feed(std::string_view bytes);
  /// All that is needed has been seen, and it is TLS.
  bool recognised() const { return (seen_ & ~kFlags) == kTls; }
  /// It begins with "HTTP/1.".
  bool is_http_answer() const { return seen_ == kHttp; }
  /// It begins with a ClientHello, in one piece up to its cipher suites, that offers AES-GCM for
  /// TLS 1.2 and not ChaCha20 (RFC 7905).
  bool offers_no_chacha20() const { return recognised() && (seen_ & kNoChacha20) != 0; }
  /// It begins with a ClientHello, in one piece up to its cipher suites, that has those of TLS 1.3
  /// behind the others, as only Go's crypto/tls does.  (RFC 8446 leaves their order to the client.)
  bool is_of_go() const { return recognised() && (seen_ & kOfGo) != 0; }

 private:
  static constexpr std::uint8_t kBytes = 6;  // the record's header, and the message's type
  static constexpr std::string_view kHttpOpening = "HTTP/1.";
  // What seen_ is: so many bytes of TLS, or kInHttp and so many of an answer in HTTP; or at last
  // which of the two it is, or that it is neither.
  static constexpr std::uint8_t kInHttp = 0x10;
  static constexpr std::uint8_t kTls = 0x20;
  static constexpr std::uint8_t kHttp = 0x21;
  static constexpr std::uint8_t kOther = 0x22;
  static constexpr std::uint8_t kNoChacha20 = 0x40;  // flags beside kTls
  static constexpr std::uint8_t kOfGo = 0x80;
  static constexpr std::uint8_t kFlags = kNoChacha20 | kOfGo;

  std::uint8_t after(std::uint8_t byte) const;
  bool fits(std::uint8_t byte) const;

  std::uint8_t seen_ = 0;  // one byte, as every tunnel has two
};

}  // namespace culvert
