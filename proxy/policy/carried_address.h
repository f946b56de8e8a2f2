#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/ip_address.h"

namespace culvert {

/// The IPv4 address inside an IPv6 one.
struct CarriedAddress {
  enum class By : std::uint8_t {
    nothing,      ///< an IPv4 address, or an IPv6 address of its own
    translation,  ///< a connection there is one to the IPv4 address
    tunnel,       ///< its packets are sent to the IPv4 address, inside others
  };

  By by = By::nothing;
  /// Of a NAT64 prefix whose length is not known: every address that it may be.
  std::array<IpAddress, 4> candidates{};
  std::size_t count = 0;

  const IpAddress* begin() const { return candidates.data(); }
  const IpAddress* end() const { return candidates.data() + count; }
};

/// Finds it in every form that has a prefix of its own.
///
///   ::ffff:a.b.c.d        IPv4-mapped (RFC 4291 section 2.5.5.2)
///   ::a.b.c.d             IPv4-compatible (section 2.5.5.1), without :: and ::1
///   ::ffff:0:a.b.c.d      IPv4-translated (RFC 2765 section 2.1)
///   64:ff9b::a.b.c.d      NAT64 (RFC 6052 section 2.1)
///   64:ff9b:1::/48        NAT64 of local use (RFC 8215), of any layout of RFC 6052 section 2.2
///   2002:AABB:CCDD::      6to4 (RFC 3056 section 2)
///   2001:0::/32           Teredo, the client's (RFC 4380 section 4)
///   ...:0:5efe:a.b.c.d    ISATAP (RFC 5214 section 6.1)
CarriedAddress carried_address(const IpAddress& address);

}  // namespace culvert
