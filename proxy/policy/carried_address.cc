#include "policy/carried_address.h"

#include <algorithm>

namespace culvert {
namespace {

using By = CarriedAddress::By;

IpAddress v4_at(const std::uint8_t* bytes) {
  return IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
}

CarriedAddress one(By by, const IpAddress& address) {
  CarriedAddress out;
  out.by = by;
  out.candidates[0] = address;
  out.count = 1;
  return out;
}

template <std::size_t N>
bool starts_with(const std::uint8_t* bytes, const std::array<std::uint8_t, N>& prefix) {
  return std::equal(prefix.begin(), prefix.end(), bytes);
}

/// RFC 6052 section 2.2: the 32 bits behind a prefix of that many bytes, over the octet "u".
IpAddress behind_prefix(const std::uint8_t* bytes, std::size_t prefix) {
  constexpr std::size_t kU = 8;
  std::array<std::uint8_t, 4> out{};
  for (std::uint8_t& byte : out) {
    if (prefix == kU) ++prefix;
    byte = bytes[prefix++];
  }
  return IpAddress::v4(out);
}

/// Neither "this host" nor multicast nor reserved: zeros and prefix bits that are read in a layout
/// that is not in use are mostly one of these.
bool may_be_host(const IpAddress& address) {
  return address.bytes()[0] > 0 && address.bytes()[0] < 224;
}

CarriedAddress local_nat64(const std::uint8_t* bytes) {
  CarriedAddress out;
  out.by = By::translation;
  for (const std::size_t prefix : {6U, 7U, 8U, 12U}) {
    const IpAddress candidate = behind_prefix(bytes, prefix);
    if (may_be_host(candidate)) out.candidates[out.count++] = candidate;
  }
  return out.count > 0 ? out : one(By::translation, v4_at(bytes + 12));
}

bool is_isatap(const std::uint8_t* bytes) {
  // The bit in the first octet says that the IPv4 address is unique in the world.
  return (bytes[8] & 0xfd) == 0 && bytes[9] == 0 && bytes[10] == 0x5e && bytes[11] == 0xfe;
}

}  // namespace

CarriedAddress carried_address(const IpAddress& address) {
  if (address.is_v4()) return {};
  const std::uint8_t* const bytes = address.bytes();
  const std::uint8_t* const tail = bytes + 12;

  constexpr std::array<std::uint8_t, 12> kCompatible{};
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  constexpr std::array<std::uint8_t, 12> kTranslated{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0};
  constexpr std::array<std::uint8_t, 12> kNat64{0, 0x64, 0xff, 0x9b};
  constexpr std::array<std::uint8_t, 6> kLocalNat64{0, 0x64, 0xff, 0x9b, 0, 1};
  constexpr std::array<std::uint8_t, 2> k6to4{0x20, 0x02};
  constexpr std::array<std::uint8_t, 4> kTeredo{0x20, 0x01, 0, 0};

  if (address.is_unspecified() || address.is_loopback()) {
    if (starts_with(bytes, kCompatible)) return {};
  }
  for (const auto& prefix : {kCompatible, kMapped, kTranslated, kNat64}) {
    if (starts_with(bytes, prefix)) return one(By::translation, v4_at(tail));
  }
  if (starts_with(bytes, kLocalNat64)) return local_nat64(bytes);
  if (starts_with(bytes, k6to4)) return one(By::tunnel, v4_at(bytes + 2));
  if (starts_with(bytes, kTeredo)) {
    std::array<std::uint8_t, 4> client{};
    std::transform(tail, tail + 4, client.begin(),
                   [](std::uint8_t byte) { return static_cast<std::uint8_t>(~byte); });
    return one(By::tunnel, IpAddress::v4(client));
  }
  if (is_isatap(bytes)) return one(By::tunnel, v4_at(tail));
  return {};
}

}  // namespace culvert
