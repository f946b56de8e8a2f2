#pragma once

#include <optional>
#include <string_view>

#include "base/error.h"

namespace culvert {

/// Recognises, by a connection's first bytes, a client that speaks something else than HTTP/1 to
/// us; the error's text names the fix.  nullopt otherwise.
std::optional<Error> client_mistake(std::string_view first_bytes);

}  // namespace culvert
