#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "check/walk.h"
#include "config/config.h"

namespace culvert {

/// What listens at a port.
struct PortLook {
  bool connected = false;
  Error error{};                ///< of the connection, a clause that follows the address
  std::string_view protocol{};  ///< "HTTP", "TLS", "SOCKS5", "SSH", "SMTP"...; empty: not known
  bool is_culvert = false;
  bool is_proxy = false;      ///< it says so itself; else of "HTTP" it is not known
  bool closed = false;        ///< it ended the connection without a byte
  bool over = false;          ///< the time of the walk ended before
  std::string status_line{};  ///< the first line of its answer, cleaned
};

/// Connects to the proxy of `upstream`, whose kind is http, and asks for what no proxy serves, a
/// page of its own (`GET /`); then, if that is not answered in HTTP, in other protocols.  Neither
/// target nor credentials are sent.
PortLook look_at_port(Walk& walk, Transport& transport, const UpstreamConfig& upstream);

/// For a port that variables name.
PortLook look_at_port(Walk& walk, const HostPort& address);

/// Whether it speaks SOCKS5, be it beside another protocol.
bool speaks_socks5(Walk& walk, const HostPort& address);

/// "culvert", "a server that speaks TLS", for a text.
std::string kind_of_server(const PortLook& look);

}  // namespace culvert
