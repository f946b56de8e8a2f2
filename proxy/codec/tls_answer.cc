#include "codec/tls_answer.h"

#include <cstddef>

namespace culvert {
namespace {

constexpr std::uint8_t kAlertRecord = 21;
constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kServerHelloMessage = 2;
constexpr std::uint8_t kLongestRecord = 0x40;  // 2^14 bytes

/// Whether `byte` can be the one at this place of a record of that type.
bool fits(std::uint8_t type, std::size_t place, std::uint8_t byte) {
  const bool alert = type == kAlertRecord;
  switch (place) {
    case 0:
      return true;
    case 1:
      return byte == 3;
    case 2:
      return byte <= 4;
    case 3:
      return alert ? byte == 0 : byte <= kLongestRecord;
    case 4:
      return !alert || byte == 2;
    default:  // the level of an alert, or the type of a message
      return alert ? byte == 1 || byte == 2 : byte == kServerHelloMessage;
  }
}

}  // namespace

TlsAnswer judge_tls_answer(std::string_view first_bytes) {
  constexpr std::size_t kNeeded = 6;
  if (first_bytes.empty()) return TlsAnswer::incomplete;
  const auto type = static_cast<std::uint8_t>(first_bytes[0]);
  if (type != kHandshakeRecord && type != kAlertRecord) return TlsAnswer::other;
  const std::string_view known = first_bytes.substr(0, kNeeded);
  for (std::size_t place = 0; place < known.size(); ++place) {
    if (!fits(type, place, static_cast<std::uint8_t>(known[place]))) return TlsAnswer::other;
  }
  if (known.size() < kNeeded) return TlsAnswer::incomplete;
  return type == kAlertRecord ? TlsAnswer::alert : TlsAnswer::server_hello;
}

}  // namespace culvert
