#include "config/listen_url.h"

#include <string_view>

namespace culvert {

std::string as_clients_write(const ListenConfig& listen, std::string url) {
  constexpr std::string_view kHttp = "http://";
  if (listen.speaks == ListenConfig::Speaks::tls_only && url.starts_with(kHttp)) {
    url.replace(0, kHttp.size(), "https://");
  }
  return url;
}

}  // namespace culvert
