#include "options/build_status.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "base/redact.h"
#include "base/text.h"
#include "config/config.h"
#include "options/nearest.h"
#include "options/values.h"
#include "policy/target_pattern.h"

namespace culvert {
namespace {

using namespace std::chrono_literals;

constexpr DurationLimits kIntervalLimits = {100ms, 1h};
constexpr auto kSortKeys = std::to_array<std::string_view>(
    {"id", "age", "rate", "bytes", "quiet", "target", "client", "upstream", "state"});
/// Of these the largest matter.
constexpr auto kAmounts = std::to_array<std::string_view>({"age", "rate", "bytes", "quiet"});
constexpr std::string_view kUnixPrefix = "unix:";
constexpr std::uint16_t kHttpsDefaultPort = 443;

template <typename T, typename Out>
void take_parsed(const Given& given, const Parsed<T>& parsed, Out& out,
                 std::vector<std::string>& problems) {
  if (const auto* problem = std::get_if<std::string>(&parsed)) {
    problems.push_back(fmt::format("{} {}: {}", given.origin, redact(given.value), *problem));
  } else {
    out = static_cast<Out>(std::get<T>(parsed));
  }
}

/// "ADDR:PORT", "unix:PATH", "http://ADDR:PORT" or "https://USER:PASSWORD@NAME".
Parsed<AdminPlace> parse_admin_address(std::string_view text) {
  AdminPlace out;
  if (text.starts_with(kUnixPrefix)) {
    out.path = text.substr(kUnixPrefix.size());
    if (!out.path.starts_with('/')) return "unix: needs an absolute path";
    return out;
  }
  const std::size_t colon = text.find("://");
  if (colon != std::string_view::npos) {
    const std::string scheme = to_lower(text.substr(0, colon));
    if (scheme != "http" && scheme != "https")
      return "needs ADDR:PORT, unix:PATH, http:// or https://";
    out.tls = scheme == "https";
    text.remove_prefix(colon + 3);
    if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
      const std::string_view login = text.substr(0, at);
      const std::size_t end = std::min(login.find(':'), login.size());
      auto user = percent_decode(login.substr(0, end));
      auto password = percent_decode(login.substr(std::min(end + 1, login.size())));
      if (!user || !password) return "user or password has a bad escape";
      const Credentials credentials{*std::move(user), Secret(*std::move(password))};
      out.authorization = Secret(concat({"Basic ", basic_token(credentials).reveal()}));
      text.remove_prefix(at + 1);
    }
    if (text.ends_with('/')) text.remove_suffix(1);
    if (text.find_first_of("/?#") != std::string_view::npos) return "takes no path";
  }
  auto host = HostPort::parse(text, colon == std::string_view::npos
                                        ? std::nullopt
                                        : std::optional(out.tls ? kHttpsDefaultPort : kHttpPort));
  if (!host) return host.error().text;
  out.host = *std::move(host);
  return out;
}

/// As /api/v1/tunnels takes it, where '-' means the largest first.
Parsed<std::string> parse_sort_key(std::string_view text) {
  const bool turned = text.starts_with('-');
  const std::string_view key = text.substr(turned ? 1 : 0);
  if (std::find(kSortKeys.begin(), kSortKeys.end(), key) != kSortKeys.end()) {
    const bool is_amount = std::find(kAmounts.begin(), kAmounts.end(), key) != kAmounts.end();
    return Parsed<std::string>(std::in_place_index<0>,
                               concat({is_amount != turned ? "-" : "", key}));
  }
  const std::string_view meant = nearest(key, {kSortKeys.begin(), kSortKeys.end()});
  std::string problem = fmt::format("no such key; there are {}", fmt::join(kSortKeys, ", "));
  if (!meant.empty()) problem = fmt::format("no such key (did you mean {}?)", meant);
  return Parsed<std::string>(std::in_place_index<1>, std::move(problem));
}

void refuse_together(const Settings& own, std::string_view one, std::string_view other,
                     std::vector<std::string>& problems) {
  if (own.has(one) && own.has(other)) {
    problems.push_back(fmt::format("--{}: has no meaning beside --{}", other, one));
  }
}

}  // namespace

StatusOptions build_status(const Settings& own, const Settings& proxy,
                           std::vector<std::string>& problems) {
  StatusOptions options;
  for (const std::string_view flag : proxy.flags()) {
    problems.push_back(fmt::format("--{}: an option of the proxy, status takes none", flag));
  }
  for (const Given& given : own.of("admin")) {
    AdminPlace address;
    take_parsed(given, parse_admin_address(given.value), address, problems);
    options.admin = std::move(address);
  }
  for (const Given& given : own.of("pid")) {
    int pid = 0;
    take_parsed(given, parse_count(given.value, 1, std::numeric_limits<int>::max()), pid, problems);
    options.pid = pid;
  }
  for (const Given& given : own.of("once")) {
    take_parsed(given, parse_switch(given.value), options.once, problems);
  }
  for (const Given& given : own.of("json")) {
    take_parsed(given, parse_switch(given.value), options.json, problems);
  }
  for (const Given& given : own.of("watch-failures")) {
    take_parsed(given, parse_switch(given.value), options.watch_failures, problems);
  }
  for (const Given& given : own.of("interval")) {
    take_parsed(given, parse_duration(given.value, kIntervalLimits), options.interval, problems);
  }
  for (const Given& given : own.of("trace")) {
    options.trace = given.value;
    if (parse_number<std::uint64_t>(given.value)) {
      if (own.has("sessions"))
        problems.emplace_back("--sessions: has no meaning beside --trace ID");
      continue;
    }
    std::vector<std::string> found;
    parse_target_patterns(given.value, found);
    for (const std::string& each : found) problems.push_back(concat({given.origin, " ", each}));
  }
  for (const Given& given : own.of("sessions")) {
    take_parsed(given, parse_count(given.value, 1, kMostTracedSessions), options.sessions,
                problems);
    if (!own.has("trace")) problems.emplace_back("--sessions: has no meaning without --trace");
  }
  for (const Given& given : own.of("filter")) options.filter = given.value;
  for (const Given& given : own.of("sort")) {
    Parsed<std::string> key = parse_sort_key(given.value);
    if (key.index() == 0) {
      options.sort = std::get<0>(std::move(key));
    } else {
      problems.push_back(
          fmt::format("{} {}: {}", given.origin, redact(given.value), std::get<1>(key)));
    }
  }
  refuse_together(own, "admin", "pid", problems);
  refuse_together(own, "once", "watch-failures", problems);
  refuse_together(own, "once", "trace", problems);
  for (const std::string_view other : {"watch-failures", "filter", "sort", "interval"}) {
    refuse_together(own, "trace", other, problems);
  }
  return options;
}

}  // namespace culvert
