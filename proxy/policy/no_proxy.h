#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/host_port.h"
#include "base/ip_address.h"

namespace culvert {

/// A NO_PROXY list, read as Go programs read it (golang.org/x/net/http/httpproxy), so that a list
/// can move from their environment into culvert without a change of meaning.  Two things differ:
/// Go turns international names into their xn-- form, which warnings() reports; and what HostPort
/// does not keep of a target, this does not see (capitals, the final dot of an address).
///
///   *                     everything (alone; it ends the list)
///   192.0.2.1, [::1]:80   an address, optionally at one port; bare IPv6 has no brackets
///   10.0.0.0/8            targets given as an address in the block, at any port
///   example.com           the host and its subdomains, by names without a final dot; with one,
///                         example.com. means names with it
///   .example.com          subdomains only; *.example.com is the same
///   any name with :port   only at that port
///
/// Entries are separated by commas alone.  Nothing is an error: what Go would not understand never
/// matches, and warnings() reports it.  As in Go, "localhost" and loopback addresses match any list
/// that was given, even an empty one.
class NoProxy {
 public:
  enum class Kind : std::uint8_t { all, address, block, domain };
  struct Entry {
    Kind kind = Kind::domain;
    std::string text;        ///< as written
    std::string suffix;      ///< kind domain: with its leading dot
    bool also_host = false;  ///< kind domain: the name itself matches, too
    IpAddress base;          ///< kinds address and block, IPv4-mapped as IPv4
    unsigned prefix = 0;     ///< kind block
    std::string port;        ///< compared as text, as Go does; empty: every port
  };

  NoProxy() = default;  ///< No list was given: nothing matches.
  explicit NoProxy(std::string_view list);

  bool given() const { return given_; }
  bool matches(const HostPort& target) const;
  /// The entry that matches, as a text; empty if none does.
  std::string why(const HostPort& target) const;

  const std::vector<Entry>& entries() const { return entries_; }
  /// Entries that can never match what their author probably meant, one line each.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  void add(std::string_view text);
  void warn_if_futile(const Entry& entry);
  const Entry* find(const HostPort& target) const;

  bool given_ = false;
  std::vector<Entry> entries_;
  std::vector<std::string> warnings_;
};

/// `list` without the entries that match `target`, and without those that hold a control character.
/// One that may hold a password becomes "localhost,127.0.0.1".
std::string no_proxy_without(std::string_view list, const HostPort& target);

}  // namespace culvert
