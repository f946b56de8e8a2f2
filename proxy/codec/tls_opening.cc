#include "codec/tls_opening.h"

namespace culvert {

void TlsOpening::feed(std::string_view bytes) {
  for (const char c : bytes) {
    if (seen_ >= kBytes) return;
    seen_ = fits(static_cast<std::uint8_t>(c)) ? static_cast<std::uint8_t>(seen_ + 1) : kOther;
  }
}

/// Whether `byte` can be the next one.
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
