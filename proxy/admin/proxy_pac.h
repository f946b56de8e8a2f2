#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace culvert {

/// A proxy auto-config file, by which a browser goes through us: what `--no-proxy` names, or routes
/// send through `direct`, goes directly, all else through `proxy` ("PROXY 127.0.0.1:3128").  Names
/// are not looked up, so blocks count for targets that are given as an IPv4 address alone.
std::string proxy_pac(const Config& config, std::string_view proxy);

/// The `proxy` for a client that has reached us as `host` ("localhost", an address; empty: it is
/// not known), by the `urls` of our listeners.  Empty: none of them is one for browsers.
std::string pac_proxy(const std::vector<std::string>& urls, std::string_view host);

}  // namespace culvert
