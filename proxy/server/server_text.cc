#include "server/server_text.h"

#include <algorithm>

#include <fmt/format.h>

namespace culvert {
namespace {

constexpr std::string_view kKept = "; open connections keep what they began with";

/// Passwords, certificates, CAs; the system's CAs, too, are read at each reload.
bool has_files(const Config& config) {
  const auto of_upstream = [](const UpstreamConfig& upstream) {
    return upstream.kind == UpstreamConfig::Kind::https || !upstream.password_file.empty();
  };
  const auto of_listener = [](const ListenConfig& listen) { return !listen.certificates.empty(); };
  return !config.auth_file.empty() ||
         std::any_of(config.upstreams.begin(), config.upstreams.end(), of_upstream) ||
         std::any_of(config.listen.begin(), config.listen.end(), of_listener) ||
         std::any_of(config.admin.begin(), config.admin.end(), of_listener);
}

}  // namespace

std::string reloaded_text(const Config& config) {
  if (!config.file.empty()) {
    return fmt::format("reloaded (upstreams: {}, routes: {}){}", config.upstreams.size(),
                       config.routes.size(), kKept);
  }
  const std::string_view log =
      is_access_log_file(config.access_log) ? "; the access log was opened anew" : "";
  if (!has_files(config)) {
    return fmt::format("reload: there is no --config, so nothing was read again{}", log);
  }
  return fmt::format(
      "reloaded (there is no --config, so only the files that options name: passwords, "
      "certificates){}{}",
      log, kKept);
}

std::string draining_text(std::size_t connections,
                          const std::optional<std::chrono::milliseconds>& limit) {
  return fmt::format("draining: no new connections, {} to finish{}{}", connections,
                     limit ? fmt::format(" within {} s", limit->count() / 1000)
                           : std::string(", however long they take"),
                     connections > 0
                         ? " (a second SIGTERM or SIGINT, as Ctrl-C sends it, ends them at once)"
                         : "");
}

}  // namespace culvert
