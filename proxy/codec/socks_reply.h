#pragma once

#include "base/error.h"
#include "codec/socks_fields.h"

namespace culvert {

/// The code that says most about `error`.  Those about the target are for what was found out about
/// the target itself: an upstream that is down says nothing about it.
SocksReply socks_reply(const Error& error);

}  // namespace culvert
