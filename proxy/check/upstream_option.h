#pragma once

#include <string>
#include <string_view>

#include "config/config.h"

namespace culvert {

/// What differs from the option that was given.
struct OptionChange {
  std::string_view scheme{};  ///< empty: the same
  bool login = false;         ///< with USER:PASSWORD@
  std::string parameter{};    ///< "ca=FILE.pem", instead of any of that name
  bool resolve_remote = false;
  std::string_view place{};  ///< "HOST:PORT", in place of its address
  bool no_via = false;
};

/// "tunnel=socks5://127.0.0.1:1080": upstream_option()'s value, not quoted.
std::string upstream_value(const UpstreamConfig& upstream, const OptionChange& change);

/// "--upstream tunnel=socks5://127.0.0.1:1080", as an option that names this upstream with all that
/// it was given, but for its credentials and for `change`; those of several tunnels have one.  As
/// one word of a shell's.
std::string upstream_option(const UpstreamConfig& upstream, const OptionChange& change);

}  // namespace culvert
