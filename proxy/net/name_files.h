#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"

namespace culvert {

// What the files say by which a system looks names up, as far as we follow them ourselves.  Names
// are compared without regard to case and without their final dot.

/// resolv.conf(5): the search list.  (The servers are read by the DNS library.)
struct ResolvConf {
  /// `host_name` is this machine's: without a list its domain is searched.
  static ResolvConf parse(std::string_view text, std::string_view host_name);
  /// What LOCALDOMAIN and RES_OPTIONS in the environment replace; nullptr: not set.
  void apply_environment(const char* local_domain, const char* options);

  /// The names to ask for, in this order, until one has an address: absolute, without final dot.
  std::vector<std::string> candidates(std::string_view name) const;

  std::vector<std::string> search;
  unsigned ndots = 1;       ///< names with as many dots are first tried as they are
  bool local_stub = false;  ///< the only servers are systemd-resolved's on this machine
};

/// nsswitch.conf(5), its line "hosts:": which sources of names there are.
class NameServices {
 public:
  enum class Route : std::uint8_t {
    own,            ///< the hosts file, then DNS
    own_then_libc,  ///< the C library knows sources that we do not: it is asked when we find
                    ///< nothing
    libc,           ///< the C library alone
  };

  /// Without such a line: files, then dns.
  static NameServices parse(std::string_view text);

  /// Whom to ask for `name`.  `local_stub` as in ResolvConf.
  Route route(std::string_view name, std::string_view host_name, bool local_stub) const;

 private:
  bool plain_ = true;        // files before dns, whatever else there is
  bool resolve_ = false;     // nss-resolve
  bool mdns_ = false;        // nss-mdns
  bool of_machine_ = false;  // nss-myhostname, nss-mymachines: this machine and those on it
  bool others_ = false;
};

/// The addresses of `name` in the text of a hosts(5) file that is in lower case, in its order.
std::vector<IpAddress> addresses_in_hosts(std::string_view text, std::string_view name);

/// gai.conf(5): does it prefer IPv4 ("precedence ::ffff:0:0/96 100")?
bool prefers_ipv4(std::string_view gai_conf);

/// RFC 6761 section 6.3: localhost and the names below it are this machine.
bool is_localhost(std::string_view name);

}  // namespace culvert
