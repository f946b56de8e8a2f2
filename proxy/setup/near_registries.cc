#include "setup/near_registries.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/host_port.h"
#include "base/ip_address.h"
#include "base/json.h"
#include "policy/near_host.h"
#include "setup/cache_target.h"
#include "setup/root.h"

namespace culvert {
namespace {

constexpr std::uint16_t kAnyPort = 443;

void add_host(std::string host, std::vector<std::string>& hosts) {
  if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.push_back(std::move(host));
}

/// HOST:PORT
void add_cache(std::string_view text, std::vector<std::string>& hosts) {
  const auto parsed = HostPort::parse(text);
  if (parsed && !parsed->is_loopback()) add_host(parsed->host, hosts);
}

/// HOST, HOST:PORT, or a block of addresses.  There may be others' registries, too, which do not
/// become near by that.
void add_insecure(std::string_view text, std::vector<std::string>& hosts) {
  const std::size_t slash = text.find('/');
  const auto parsed = HostPort::parse(text.substr(0, slash), kAnyPort);
  if (!parsed || parsed->is_loopback() || !seems_near(*parsed)) return;
  if (slash == text.npos) {
    add_host(parsed->host, hosts);
  } else if (Cidr::parse(text)) {
    add_host(std::string(text), hosts);
  }
}

}  // namespace

std::vector<std::string> near_registries(const SetupFacts& facts) {
  std::vector<std::string> hosts;
  if (!facts.cache.empty()) add_cache(facts.cache, hosts);
  for (const std::string& cache : installed_caches(facts)) add_cache(cache, hosts);
  const std::string text = find_file(facts.root, "/etc/docker/daemon.json").content.value_or("");
  const auto json = Json::parse(text);
  if (!json) return hosts;
  for (const Json& entry : json->at("insecure-registries").elements()) {
    add_insecure(entry.text().value_or(""), hosts);
  }
  return hosts;
}

}  // namespace culvert
