#include "check/no_proxy_fix.h"

#include "base/redact.h"
#include "base/shell_text.h"
#include "host/proxy_variables.h"
#include "policy/no_proxy.h"

namespace culvert {

std::string no_proxy_fix(const Config& config, const HostPort& target) {
  if (!config.no_proxy.matches(target)) return {};
  if (NoProxy("").matches(target)) {
    return "culvert serve  # without any --no-proxy: to each, localhost and loopback belong";
  }
  std::string rest;
  std::string taken;
  for (const NoProxyLine& line : config.no_proxy_lines) {
    const std::string kept = no_proxy_without(line.list, target);
    if (!kept.empty()) rest += (rest.empty() ? "" : ",") + kept;
    if (!NoProxy(line.list).matches(target)) continue;
    if (!taken.empty()) taken += ", ";
    taken += line.origin + " " + redact(line.list);
  }
  return "--no-proxy " + shell_quoted(rest.empty() ? "localhost" : rest) + "  # in place of " +
         taken;
}

}  // namespace culvert
