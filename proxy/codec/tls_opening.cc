#include "codec/tls_opening.h"

namespace culvert {

namespace {

/// Of a record that begins with a ClientHello (RFC 8446 section 4.1.2).
bool without_chacha20(std::string_view record) {
  constexpr std::size_t kSessionId = 43;  // behind the headers, version and random
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(record[at]); };
  const auto number = [&](std::size_t at) { return byte(at) << 8 | byte(at + 1); };
  if (record.size() <= kSessionId) return false;
  const std::size_t suites = kSessionId + 1 + byte(kSessionId);
  if (record.size() < suites + 2) return false;
  const std::size_t end = suites + 2 + static_cast<std::size_t>(number(suites));
  if (record.size() < end) return false;
  bool aes_gcm = false;
  for (std::size_t at = suites + 2; at + 1 < end; at += 2) {
    const int suite = number(at);
    // ECDHE with ECDSA and RSA.
    if (suite == 0xcca8 || suite == 0xcca9) return false;
    aes_gcm = aes_gcm || suite == 0xc02b || suite == 0xc02c || suite == 0xc02f || suite == 0xc030;
  }
  return aes_gcm;
}

}  // namespace

void TlsOpening::feed(std::string_view bytes) {
  if (seen_ >= kTls) return;
  const bool whole = seen_ == 0;
  for (const char c : bytes) {
    if (seen_ >= kTls) break;
    seen_ = after(static_cast<std::uint8_t>(c));
  }
  if (whole && seen_ == kTls && bytes[kBytes - 1] == 1 && without_chacha20(bytes)) {
    seen_ |= kNoChacha20;
  }
}

/// What seen_ becomes with the next byte.
std::uint8_t TlsOpening::after(std::uint8_t byte) const {
  const bool in_http = seen_ >= kInHttp;
  const auto next = static_cast<std::uint8_t>(seen_ + 1);
  if (!in_http && fits(byte)) return next == kBytes ? kTls : next;
  if (seen_ != 0 && !in_http) return kOther;
  const std::size_t at = in_http ? seen_ - kInHttp : 0;
  if (static_cast<char>(byte) != kHttpOpening[at]) return kOther;
  return at + 1 == kHttpOpening.size() ? kHttp : static_cast<std::uint8_t>(kInHttp + at + 1);
}

/// Whether `byte` can be the next one of TLS.
bool TlsOpening::fits(std::uint8_t byte) const {
  constexpr std::uint8_t kHandshake = 22;
  constexpr std::uint8_t kMostOfLength = 0x40;  // 2^14 bytes
  constexpr std::uint8_t kClientHello = 1;
  constexpr std::uint8_t kServerHello = 2;
  switch (seen_) {
    case 0:
      return byte == kHandshake;
    case 1:
      return byte == 3;
    case 2:
      return byte <= 4;
    case 3:
      return byte <= kMostOfLength;
    case 4:
      return true;
    default:
      return byte == kClientHello || byte == kServerHello;
  }
}

}  // namespace culvert
