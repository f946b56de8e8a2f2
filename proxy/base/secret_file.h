#pragma once

#include <cstddef>
#include <string>

#include "base/secret.h"

namespace culvert {

/// The content of a file that may hold a private key, or why it cannot be read.
struct SecretFile {
  Secret text;
  std::string problem;  ///< empty after a success
};

/// No bytes of the file stay behind in memory.  Nothing is waited for, so a pipe is a problem; so
/// are more than `most` bytes.
SecretFile read_secret_file(const std::string& path, std::size_t most);

}  // namespace culvert
