#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace culvert {

/// An IPv4 or IPv6 address as a value.
class IpAddress {
 public:
  enum class Family : std::uint8_t { v4, v6 };

  /// "192.0.2.1" or "2001:db8::1" (no brackets, no zone); nullopt for anything else, in particular
  /// for the shorthand forms ("127.1", "0x7f.1", leading zeros) that some programs read as IPv4.
  static std::optional<IpAddress> parse(std::string_view text);
  static IpAddress v4(std::array<std::uint8_t, 4> bytes);
  static IpAddress v6(std::array<std::uint8_t, 16> bytes);
  /// An IPv4 address from 4 bytes in network order, an IPv6 address from 16 (a mapped one stays
  /// one); nullopt for any other number of bytes.
  static std::optional<IpAddress> of_octets(std::string_view octets);

  Family family() const { return family_; }
  bool is_v4() const { return family_ == Family::v4; }
  /// 4 or 16 bytes in network order.
  const std::uint8_t* bytes() const { return bytes_.data(); }
  std::size_t size() const { return is_v4() ? 4 : 16; }
  /// The same bytes as they go over a wire; valid as long as this.
  std::string_view octets() const { return {reinterpret_cast<const char*>(bytes()), size()}; }

  /// ::ffff:a.b.c.d as a.b.c.d; any other address as it is.
  IpAddress unmapped() const;
  /// What one client has: an IPv4 address, or for IPv6 the /64 (with zeros after it), as whoever
  /// has one address of that has all.
  IpAddress of_one_client() const;

  bool is_loopback() const;     ///< 127.0.0.0/8, ::1 (mapped forms included)
  bool is_link_local() const;   ///< 169.254.0.0/16, fe80::/10
  bool is_unspecified() const;  ///< 0.0.0.0/8 ("this host"), ::
  bool is_multicast() const;    ///< 224.0.0.0/4, ff00::/8

  /// RFC 5952 text, no brackets.
  std::string to_string() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  Family family_ = Family::v4;
};

/// An address block such as 10.0.0.0/8 or 2001:db8::/32.
class Cidr {
 public:
  /// "10.0.0.0/8", or a bare address for a block of one.  nullopt if malformed, or if bits after
  /// the prefix are set (a likely mistake).
  static std::optional<Cidr> parse(std::string_view text);

  Cidr(IpAddress base, unsigned prefix) : base_(base), prefix_(prefix) {}

  /// IPv4-mapped IPv6 addresses are compared as IPv4.
  bool contains(const IpAddress& address) const;
  bool contains_all() const { return prefix_ == 0; }  ///< of its family
  std::string to_string() const;

  friend bool operator==(const Cidr&, const Cidr&) = default;

 private:
  IpAddress base_;
  unsigned prefix_ = 0;
};

}  // namespace culvert
