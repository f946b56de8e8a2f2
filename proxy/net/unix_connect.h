#pragma once

#include <memory>
#include <string>

#include "net/tcp_stream.h"

namespace culvert {

/// A connection to the unix socket at `path`; or nullptr and `error`, an errno: EAGAIN if its queue
/// is full.
std::unique_ptr<TcpStream> connect_unix(Loop& loop, const std::string& path, int& error);

}  // namespace culvert
