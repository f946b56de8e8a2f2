#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace culvert {

// The values of the fields of SOCKS5 (RFC 1928, RFC 1929) and of SOCKS4, as they are on the wire.

/// VER, or VN of a SOCKS4 request.
inline constexpr char kSocksVersion5 = 5;
inline constexpr char kSocksVersion4 = 4;

/// METHOD of SOCKS5 (RFC 1928 section 3).
inline constexpr char kSocksNoSignIn = 0;
inline constexpr char kSocksPassword = 2;
inline constexpr char kSocksNoMethod = '\xff';  ///< none of those that were offered

/// VER and STATUS of signing in by a password (RFC 1929 section 2).
inline constexpr char kSocksPasswordVersion = 1;
inline constexpr char kSocksSignedIn = 0;
inline constexpr char kSocksPasswordRefused = 1;

/// CMD of both versions (RFC 1928 section 4; SOCKS4 has no UDP ASSOCIATE).
inline constexpr char kSocksConnect = 1;
inline constexpr char kSocksBind = 2;
inline constexpr char kSocksUdpAssociate = 3;

/// ATYP of SOCKS5 (RFC 1928 section 5).
inline constexpr char kSocksIpv4 = 1;
inline constexpr char kSocksName = 3;
inline constexpr char kSocksIpv6 = 4;

/// REP of a SOCKS5 reply (RFC 1928 section 6).  Others than these are in use.
enum class SocksReply : std::uint8_t {
  granted = 0,
  failed = 1,  ///< "general SOCKS server failure": whatever is ours or an upstream's
  not_allowed = 2,
  network_unreachable = 3,
  host_unreachable = 4,
  refused = 5,
  timed_out = 6,  ///< "TTL expired", which tor and others send when a target does not answer
  no_such_command = 7,
  no_such_address_type = 8,
};

/// CD of a SOCKS4 reply, whose version is 0.
inline constexpr char kSocks4Granted = 90;
inline constexpr char kSocks4Rejected = 91;
inline constexpr char kSocks4NoIdentd = 92;   ///< rejected: no identd on the client's host
inline constexpr char kSocks4OtherUser = 93;  ///< rejected: that identd names another user

/// How many bytes an address of SOCKS5 takes (RFC 1928 section 5): `type` is its ATYP, `first` the
/// byte after that, which is the length of a name.  nullopt: there is no such type.
constexpr std::optional<std::size_t> socks_address_bytes(char type, char first) {
  switch (type) {
    case kSocksIpv4:
      return 4;
    case kSocksIpv6:
      return 16;
    case kSocksName:
      return std::size_t{1} + static_cast<std::uint8_t>(first);
    default:
      return std::nullopt;
  }
}

}  // namespace culvert
