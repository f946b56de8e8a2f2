#include "config/open_listener.h"

#include <fmt/format.h>

namespace culvert {

bool has_lock(const ListenConfig& listen, const Config& config) {
  return config.open_proxy || !config.allow_clients.empty() || !config.auth_file.empty() ||
         listen.wants_certificate();
}

std::string open_listener_problem(const ListenConfig& listen, std::string_view what) {
  const bool half = !listen.client_ca.empty() && !listen.wants_certificate();
  return fmt::format(
      "others than this host can reach {}; say who may use it with --allow-client CIDR,..., "
      "--auth-file FILE or https://ADDRESS:PORT?cert=FILE&client-ca=FILE, or let everybody with "
      "--open-proxy{}",
      what, half ? " (client-ca counts with https:// alone, as others come without TLS)" : "");
}

}  // namespace culvert
