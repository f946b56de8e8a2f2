#include "config/listen_url.h"

namespace culvert {

std::string as_clients_write(const ListenConfig& listen, std::string url) {
  if (listen.speaks == ListenConfig::Speaks::tls_only && url.starts_with(kHttpScheme)) {
    url.replace(0, kHttpScheme.size(), kHttpsScheme);
  }
  return url;
}

std::string listen_url(const ListenConfig& listen) {
  std::string url = as_clients_write(listen, listen.to_string());
  if (listen.speaks == ListenConfig::Speaks::http_only && url.starts_with(kHttpScheme)) {
    url.replace(0, kHttpScheme.size(), "http-only://");
  }
  return url;
}

}  // namespace culvert
