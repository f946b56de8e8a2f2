#include "commands/client_hints.h"

#include <array>
#include <string_view>

#include "base/host_port.h"
#include "base/text.h"
#include "commands/find_program.h"
#include "config/listen_url.h"
#include "net/server_certificate.h"

namespace culvert {
namespace {

constexpr std::string_view kSchemeEnd = "://";

}  // namespace

std::string_view find_registry() {
  for (const char* const name : {"registry", "docker-registry"}) {
    if (error_of_program(name) == 0) return name;
  }
  return {};
}

std::vector<std::string> client_hints(std::string url, bool sign_in, std::string_view registry) {
  if (url.empty()) {
    return {
        "http_proxy and https_proxy cannot name a unix socket: give another --listen, as in "
        "127.0.0.1:3128, for clients that go by them"};
  }
  if (sign_in) url.insert(url.find(kSchemeEnd) + kSchemeEnd.size(), "USER:PASSWORD@");
  std::vector<std::string> lines = {
      concat({"to see it work:  curl -ix ", url, " https://gcr.io/v2/  # 401 is good"}),
      concat({"for a shell:     export http_proxy=", url, " https_proxy=", url}),
      concat({"for a registry:  https_proxy=", url, " ", registry.empty() ? "registry" : registry,
              " serve config.yml", registry.empty() ? "  # docker-registry in Debian" : ""}),
      concat({"for dockerd, in a systemd drop-in under [Service]:  Environment=HTTP_PROXY=", url,
              " HTTPS_PROXY=", url,
              " NO_PROXY=localhost,127.0.0.1  # and registries of your own"})};
  if (is_https_url(url)) {
    lines.emplace_back(
        "these verify the certificate: its CA belongs to the CAs of their machine "
        "(update-ca-certificates, then restart docker), or into SSL_CERT_FILE");
  }
  return lines;
}

std::string local_url(std::string url) {
  constexpr std::array<std::array<std::string_view, 2>, 2> kLocal = {
      {{"://0.0.0.0:", "://127.0.0.1:"}, {"://[::]:", "://[::1]:"}}};
  for (const auto& [any, local] : kLocal) {
    const std::size_t at = url.find(any);
    if (at != std::string::npos) url.replace(at, any.size(), local);
  }
  return url;
}

std::string verifiable_url(const std::string& url, const ServerCertificate& certificate) {
  const auto address = HostPort::parse(url.substr(kHttpsScheme.size()));
  if (!address) return url;
  const std::string name = certificate.name_at(address->host);
  if (name.empty() || name == address->host) return url;
  return concat({kHttpsScheme, name, url.substr(url.rfind(':'))});
}

}  // namespace culvert
