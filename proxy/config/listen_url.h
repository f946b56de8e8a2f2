#pragma once

#include <string>
#include <string_view>

#include "config/config.h"

namespace culvert {

/// With what the URL of a listener begins.
inline constexpr std::string_view kHttpScheme = "http://";
inline constexpr std::string_view kHttpsScheme = "https://";

inline bool is_https_url(std::string_view url) { return url.starts_with(kHttpsScheme); }

/// `url` of a socket ("http://127.0.0.1:3128") as clients of `listen` write it: with https:// where
/// it takes nothing but TLS.
std::string as_clients_write(const ListenConfig& listen, std::string url);

/// `listen` for messages, as --listen has it, without its options: "https://127.0.0.1:3128",
/// "unix:/path", "systemd:NAME".
std::string listen_url(const ListenConfig& listen);

}  // namespace culvert
