#include "config/listen_url.h"

#include <string_view>

namespace culvert {
namespace {

constexpr std::string_view kHttp = "http://";

}  // namespace

std::string as_clients_write(const ListenConfig& listen, std::string url) {
  if (listen.speaks == ListenConfig::Speaks::tls_only && url.starts_with(kHttp)) {
    url.replace(0, kHttp.size(), "https://");
  }
  return url;
}

std::string listen_url(const ListenConfig& listen) {
  std::string url = as_clients_write(listen, listen.to_string());
  if (listen.speaks == ListenConfig::Speaks::http_only && url.starts_with(kHttp)) {
    url.replace(0, kHttp.size(), "http-only://");
  }
  return url;
}

}  // namespace culvert
