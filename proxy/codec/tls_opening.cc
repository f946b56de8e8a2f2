#include "codec/tls_opening.h"

namespace culvert {

namespace {

/// Two bytes in network order.
int pair_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]) << 8 | static_cast<std::uint8_t>(bytes[at + 1]);
}

/// The cipher suites, two bytes each, of a record that begins with a ClientHello (RFC 8446 section
/// 4.1.2); empty if they are not all there.
std::string_view cipher_suites(std::string_view record) {
  constexpr std::size_t kSessionId = 43;  // behind the headers, version and random
  if (record.size() <= kSessionId) return {};
  const std::size_t suites = kSessionId + 1 + static_cast<std::uint8_t>(record[kSessionId]);
  if (record.size() < suites + 2) return {};
  const auto size = static_cast<std::size_t>(pair_at(record, suites));
  if (record.size() < suites + 2 + size) return {};
  return record.substr(suites + 2, size & ~std::size_t{1});
}

bool without_chacha20(std::string_view suites) {
  bool aes_gcm = false;
  for (std::size_t at = 0; at < suites.size(); at += 2) {
    const int suite = pair_at(suites, at);
    // ECDHE with ECDSA and RSA.
    if (suite == 0xcca8 || suite == 0xcca9) return false;
    aes_gcm = aes_gcm || suite == 0xc02b || suite == 0xc02c || suite == 0xc02f || suite == 0xc030;
  }
  return aes_gcm;
}

/// What others have in the first place is a suite of TLS 1.3, or one that GREASE reserves (RFC
/// 8701); what they have in the last one is never of TLS 1.3, unless all are.
bool ends_with_tls13(std::string_view suites) {
  constexpr char kTls13 = 0x13;
  if (suites.size() < 4 || suites[suites.size() - 2] != kTls13) return false;
  const bool grease = (suites[0] & 0xf) == 0xa && suites[0] == suites[1];
  return suites[0] != kTls13 && !grease;
}

}  // namespace

void TlsOpening::feed(std::string_view bytes) {
  if (seen_ >= kTls) return;
  const bool whole = seen_ == 0;
  for (const char c : bytes) {
    if (seen_ >= kTls) break;
    seen_ = after(static_cast<std::uint8_t>(c));
  }
  if (!whole || seen_ != kTls || bytes[kBytes - 1] != 1) return;
  const std::string_view suites = cipher_suites(bytes);
  if (without_chacha20(suites)) seen_ |= kNoChacha20;
  if (ends_with_tls13(suites)) seen_ |= kOfGo;
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
