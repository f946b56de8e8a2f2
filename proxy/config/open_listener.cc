#include "config/open_listener.h"

#include <fmt/format.h>

namespace culvert {

bool is_protected(const ListenConfig& listen, const Config& config) {
  return !config.allow_clients.empty() || !config.auth_file.empty() || listen.wants_certificate();
}

bool has_lock(const ListenConfig& listen, const Config& config) {
  return config.open_proxy || is_protected(listen, config);
}

std::string open_admin_problem() {
  return "others than this host can reach it; say who may with --allow-client CIDR,..., "
         "--auth-file FILE or https://ADDRESS:PORT?cert=FILE&client-ca=FILE, or give it a loopback "
         "address or unix:/path";
}

std::string open_listener_problem(std::string_view what) {
  return fmt::format(
      "others than this host can reach {}; say who may use it with --allow-client CIDR,..., "
      "--auth-file FILE or https://ADDRESS:PORT?cert=FILE&client-ca=FILE, or let everybody with "
      "--open-proxy",
      what);
}

}  // namespace culvert
