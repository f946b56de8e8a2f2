#pragma once

#include <optional>
#include <string_view>

#include "base/error.h"

namespace culvert {

/// Recognises, by a connection's first bytes, a client that speaks something else than HTTP/1 to
/// us, and says how to mend it; nullopt for all else.
std::optional<Error> client_mistake(std::string_view first_bytes);

}  // namespace culvert
