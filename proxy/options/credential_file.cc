#include "options/credential_file.h"

#include <unistd.h>

#include <cstdlib>

#include "base/text.h"

namespace culvert {
namespace {

/// Empty: this process has no credentials.
std::string_view directory() {
  const char* const value = std::getenv("CREDENTIALS_DIRECTORY");
  return value == nullptr ? std::string_view() : value;
}

}  // namespace

std::optional<std::string> decode_file(std::string_view written) {
  const bool marked = written.starts_with(kCredentialMark);
  auto file = percent_decode(written.substr(marked ? kCredentialMark.size() : 0));
  if (file && marked) file->insert(0, kCredentialMark);
  return file;
}

NamedFile named_file(std::string_view name) {
  if (!name.starts_with(kCredentialMark)) return {std::string(name), {}};
  const std::string_view file = name.substr(kCredentialMark.size());
  if (file.empty()) return {{}, "the name of a credential is missing, as in %d/NAME"};
  if (directory().empty()) {
    return {{},
            "%d is $CREDENTIALS_DIRECTORY, which is not set: systemd sets it for a unit that has "
            "LoadCredential=NAME:PATH"};
  }
  return {concat({directory(), "/", file}), {}};
}

std::string credential_hint(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (name.empty() || directory().empty() || path.starts_with(directory())) return {};
  if (access(concat({directory(), "/", name}).c_str(), R_OK) != 0) return {};
  return concat({" - systemd hands over a file of that name: write %d/", printable(name)});
}

}  // namespace culvert
