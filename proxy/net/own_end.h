#pragma once

#include <optional>

#include "base/connection_ends.h"

namespace culvert {

/// Our end of the connection of socket `fd`; nullopt if that is no TCP socket.
std::optional<SocketEnd> own_end(int fd);

}  // namespace culvert
