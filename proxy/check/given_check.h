#pragma once

#include <string>
#include <string_view>

namespace culvert {

/// The command line of this check, for fixes that give it again with something changed.  Quoted for
/// sh and without secrets.
struct GivenCheck {
  std::string options{};  ///< all but --timeout; may be empty
  std::string timeout{};  ///< "--timeout 60s"; empty: not given
  std::string targets{};  ///< may be empty

  /// The same about `others` instead.
  std::string command(std::string_view others) const;
  /// The same with another --timeout.
  std::string with_timeout(std::string_view other) const;
};

}  // namespace culvert
