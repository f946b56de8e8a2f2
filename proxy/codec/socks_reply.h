#pragma once

#include <cstdint>

#include "base/error.h"

namespace culvert {

/// REP of a SOCKS5 reply (RFC 1928 section 6).
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

/// The code that says most about `error`.  Those about the target are for what was found out about
/// the target itself: an upstream that is down says nothing about it.
SocksReply socks_reply(const Error& error);

}  // namespace culvert
