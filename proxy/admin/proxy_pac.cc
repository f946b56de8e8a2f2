#include "admin/proxy_pac.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include <fmt/format.h>

#include "base/host_port.h"
#include "base/text.h"
#include "config/listen_url.h"

namespace culvert {
namespace {

constexpr std::string_view kFunctions =
    "function portOf(url) {\n"
    "  var given = /^[a-z]+:\\/\\/(?:\\[[^\\]]*\\]|[^\\/:]*):(\\d+)/i.exec(url);\n"
    "  if (given) return given[1];\n"
    "  return /^(https|wss):/i.test(url) ? \"443\" : /^ftp:/i.test(url) ? \"21\" : \"80\";\n"
    "}\n"
    "function isBelow(host, suffix) {\n"
    "  return host.length > suffix.length &&\n"
    "    host.lastIndexOf(suffix) === host.length - suffix.length;\n"
    "}\n"
    "function isWithin(host, base, prefix) {\n"
    "  var parts = /^(\\d+)\\.(\\d+)\\.(\\d+)\\.(\\d+)$/.exec(host);\n"
    "  if (!parts) return false;\n"
    "  var address = 0;\n"
    "  for (var i = 1; i <= 4; i++) address = address * 256 + Number(parts[i]);\n"
    "  var size = Math.pow(2, 32 - prefix);\n"
    "  return Math.floor(address / size) === Math.floor(base / size);\n"
    "}\n";

/// Hosts have no character that would end it; a control or quote would be left out.
std::string pac_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c > ' ' && c < '\x7f' && c != '"' && c != '\\' && c != '<') out += c;
  }
  return out + '"';
}

std::string with_port(std::string condition, std::string_view port) {
  if (port.empty()) return condition;
  return concat({condition, " && port === ", pac_string(port)});
}

/// Empty: a browser has no way to tell.
std::string is_within(const IpAddress& base, unsigned prefix) {
  if (!base.is_v4()) {
    return prefix == 8 * base.size() ? "host === " + pac_string(base.to_string()) : std::string();
  }
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number * 256 + base.bytes()[i];
  return fmt::format("isWithin(host, {}, {})", number, prefix);
}

std::string condition_of(const TargetPattern& pattern) {
  const std::string port = pattern.port() ? fmt::format("{}", *pattern.port()) : std::string();
  switch (pattern.kind()) {
    case TargetPattern::Kind::any:
      return with_port("true", port);
    case TargetPattern::Kind::host:
      return with_port("host === " + pac_string(pattern.name()), port);
    case TargetPattern::Kind::suffix:
      return with_port("isBelow(host, " + pac_string(pattern.name()) + ")", port);
    case TargetPattern::Kind::block: {
      std::string within = is_within(*pattern.block_base(), pattern.block_prefix());
      return within.empty() ? within : with_port(std::move(within), port);
    }
  }
  return {};
}

std::string condition_of(const NoProxy::Entry& entry) {
  using Kind = NoProxy::Kind;
  switch (entry.kind) {
    case Kind::all:
      return "true";
    case Kind::address:
      return with_port(is_within(entry.base, static_cast<unsigned>(8 * entry.base.size())),
                       entry.port);
    case Kind::block:
      return is_within(entry.base, entry.prefix);
    case Kind::domain: {
      const std::string below = "isBelow(host, " + pac_string(entry.suffix) + ")";
      if (!entry.also_host) return with_port(below, entry.port);
      return with_port(concat({"(host === ", pac_string(std::string_view(entry.suffix).substr(1)),
                               " || ", below, ")"}),
                       entry.port);
    }
  }
  return {};
}

void append_rule(std::string& out, std::string_view condition, std::string_view result) {
  if (condition.empty()) return;
  out += concat({"  if (", condition, ") return ", result, ";\n"});
}

bool goes_directly(const Config& config, const std::vector<std::size_t>& upstreams) {
  return !upstreams.empty() &&
         std::all_of(upstreams.begin(), upstreams.end(), [&](std::size_t index) {
           return config.upstreams[index].kind == UpstreamConfig::Kind::direct;
         });
}

}  // namespace

std::string proxy_pac(const Config& config, std::string_view proxy) {
  constexpr std::string_view kDirect = "\"DIRECT\"";
  const std::string through = concat({"\"", proxy, "\""});
  std::string out = concat({"// Which targets go through culvert.\n", kFunctions,
                            "function FindProxyForURL(url, host) {\n"
                            "  host = host.toLowerCase().replace(/^\\[|\\]$/g, \"\");\n"
                            "  var port = portOf(url);\n"});
  if (config.no_proxy.given()) {
    append_rule(out, "host === \"localhost\" || host === \"::1\" || isWithin(host, 2130706432, 8)",
                kDirect);
  }
  for (const NoProxy::Entry& entry : config.no_proxy.entries()) {
    append_rule(out, condition_of(entry), kDirect);
  }
  for (const RouteConfig& route : config.routes) {
    const std::string_view result = goes_directly(config, route.upstreams) ? kDirect : through;
    for (const TargetPattern& pattern : route.patterns) {
      append_rule(out, condition_of(pattern), result);
    }
  }
  const bool direct = goes_directly(config, config.default_route);
  out += concat({"  return ", direct ? kDirect : std::string_view(through), ";\n}\n"});
  return out;
}

std::string pac_proxy(const std::vector<std::string>& urls, std::string_view host) {
  for (const std::string& url : urls) {
    const bool tls = is_https_url(url);
    if (!tls && !url.starts_with(kHttpScheme)) continue;
    auto address =
        HostPort::parse(std::string_view(url).substr((tls ? kHttpsScheme : kHttpScheme).size()));
    if (!address) continue;
    // Every address of this host: by that at which the client got here.
    if (address->ip && address->ip->is_unspecified() && !host.empty()) {
      if (auto there = HostPort::from(host, address->port)) address = std::move(there);
    }
    return concat({tls ? "HTTPS " : "PROXY ", address->to_string()});
  }
  return {};
}

}  // namespace culvert
