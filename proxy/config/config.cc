#include "config/config.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/duration.h"
#include "base/text.h"

namespace culvert {

std::string ListenConfig::to_string() const {
  if (kind == Kind::unix_socket) return "unix:" + path;
  if (kind == Kind::systemd) return name.empty() ? "systemd" : "systemd:" + name;
  return "http://" + address.to_string();
}

bool is_access_log_file(std::string_view access_log) {
  return std::none_of(kNoLogFiles.begin(), kNoLogFiles.end(),
                      [&](std::string_view word) { return iequals(access_log, word); });
}

std::string_view scheme_of(UpstreamConfig::Kind kind) {
  switch (kind) {
    case UpstreamConfig::Kind::direct:
      break;
    case UpstreamConfig::Kind::socks5:
      return "socks5";
    case UpstreamConfig::Kind::socks4a:
      return "socks4a";
    case UpstreamConfig::Kind::http:
      return "http";
    case UpstreamConfig::Kind::https:
      return "https";
  }
  return "direct";
}

bool Config::counts_clients() const {
  return max_connections_per_client > 0 || max_connections_per_user > 0 ||
         max_requests_per_second > 0 || limits_bandwidth();
}

bool Config::limits_bandwidth() const {
  return bandwidth > 0 || bandwidth_per_client > 0 || bandwidth_per_user > 0;
}

bool Config::balances_by_load() const {
  const auto by_load = [](const std::vector<Tier>& tiers) {
    return std::any_of(tiers.begin(), tiers.end(), [](const Tier& tier) {
      return tier.is_balanced() && tier.balance != Balance::sticky;
    });
  };
  return by_load(default_tiers) ||
         std::any_of(routes.begin(), routes.end(),
                     [&](const RouteConfig& route) { return by_load(route.tiers); });
}

std::string StallLimit::describe() const {
  const std::string what =
      rate == 0 ? std::string("nothing") : fmt::format("less than {} bytes a second", rate);
  return fmt::format("{} moved for {}", what, format_seconds(time));
}

}  // namespace culvert
