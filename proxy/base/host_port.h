#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip_address.h"
#include "base/result.h"

namespace culvert {

/// Of a host's name, without the root's dot (RFC 1035 section 2.3.4).
inline constexpr std::size_t kMostNameBytes = 253;

/// Of http:// (RFC 9110 section 4.2.1).
inline constexpr std::uint16_t kHttpPort = 80;

/// A TCP port in at most five decimal digits; nullopt: `digits` are something else, or 0.
std::optional<std::uint16_t> parse_port(std::string_view digits);

/// A host and a TCP port.  `host` is a lower-case name without the root's final dot, so that one
/// host has one spelling where names are compared or shown, or the canonical text of an IP literal
/// without brackets; then `ip` holds the address too.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
  std::optional<IpAddress> ip;
  /// The name had the root's final dot: whoever looks it up must not apply a search list.
  bool absolute = false;

  /// "gcr.io:443", "192.0.2.1:80", "[2001:db8::1]:443" (RFC 9110 section 7.2, RFC 3986 section
  /// 3.2).  Without a port `default_port` is taken, if there is one.  Refused: empty or overlong (>
  /// 253) names, userinfo, white space, control and non-ASCII bytes, characters outside letters,
  /// digits, '-', '_', '.', ports outside 1..65535, unbracketed IPv6, IPv6 zones, numeric spellings
  /// of IPv4 other than the dotted quad.  The error is Errc::http_request_error, side client, and
  /// names what is wrong; it repeats the input only after redact_url().
  static Result<HostPort> parse(std::string_view text,
                                std::optional<std::uint16_t> default_port = std::nullopt);

  /// parse() into this object, which keeps the capacity of `host`; its value after a failure is
  /// unspecified.
  Result<void> assign(std::string_view text,
                      std::optional<std::uint16_t> default_port = std::nullopt);

  /// As above from separate parts; brackets around IPv6 are optional here.
  static Result<HostPort> from(std::string_view host, std::uint16_t port);

  /// This machine itself, or in a container the container: 127.0.0.0/8, ::1 and "localhost".
  bool is_loopback() const { return ip ? ip->is_loopback() : host == "localhost"; }

  /// "host:port", IPv6 in brackets: to compare and to show.
  std::string to_string() const;

  /// The name as it is looked up and sent on: with the final dot if it had one.
  std::string full_name() const { return absolute ? host + "." : host; }
  /// "host:port" as it is sent on.
  std::string authority() const;

  friend bool operator==(const HostPort&, const HostPort&) = default;
};

/// For error texts: to_string(), shortened in its middle to 48 bytes.
std::string shown_target(const HostPort& target);

}  // namespace culvert
