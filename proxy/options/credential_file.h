#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace culvert {

// Files that systemd hands to a service: LoadCredential=NAME:PATH in its unit makes one of that
// name in $CREDENTIALS_DIRECTORY (systemd.exec(5)), which "%d" means in a unit.

/// What the name of such a file begins with, in any option that names a file.  No percent-encoding
/// begins like this.
inline constexpr std::string_view kCredentialMark = "%d/";

/// The file that stands in a URL's option, percent-decoded but for the mark; nullopt for a bad
/// escape.
std::optional<std::string> decode_file(std::string_view written);

/// A file that an option names, and what is wrong with the name; empty: nothing.
struct NamedFile {
  std::string path;
  std::string problem;
};
/// `name` with the directory in place of kCredentialMark, if it begins with that.
NamedFile named_file(std::string_view name);

/// For a message about `path`, which cannot be read: a clause that names the credential of the same
/// name, with a separator before it; empty if there is none.
std::string credential_hint(std::string_view path);

}  // namespace culvert
