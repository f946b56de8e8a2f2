#pragma once

#include <string>

#include "base/secret.h"

namespace culvert {

/// Whether `password` is the one of `hash`, which is as crypt(3) makes it.  Takes as long as the
/// hash wants: milliseconds to seconds, so not for a loop's thread.  Compares in constant time.
bool password_matches(const Secret& password, const Secret& hash);

}  // namespace culvert
