#include "codec/llhttp_version.h"

#include <fmt/format.h>
#include <llhttp.h>

namespace culvert {

std::string llhttp_version() {
  return fmt::format("{}.{}.{}", LLHTTP_VERSION_MAJOR, LLHTTP_VERSION_MINOR, LLHTTP_VERSION_PATCH);
}

}  // namespace culvert
