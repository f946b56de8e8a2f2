#include "options/routing.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/redact.h"
#include "base/text.h"
#include "policy/presets.h"
#include "policy/router.h"

namespace culvert {
namespace {

constexpr std::string_view kDirect = "direct";
constexpr std::string_view kDeny = "deny";

/// The upstreams of a route as they are named.
class RouteUpstreams {
 public:
  /// `balance`: of those that stand beside each other.  If that was not `said`, those of one
  /// --tunnel-command are not for each other's failure alone.
  RouteUpstreams(Balance balance, bool said)
      : balance_(balance),
        of_group_(said || balance != Balance::order ? balance : Balance::least) {}

  bool has(std::size_t index) const {
    return std::find(upstreams.begin(), upstreams.end(), index) != upstreams.end();
  }
  /// One, or all of a group, which is a tier of its own.
  void add(const std::vector<std::size_t>& named) {
    const bool is_group = named.size() > 1;
    if (is_group || after_group_ || tiers.empty()) {
      tiers.push_back({0, is_group ? of_group_ : balance_});
    }
    after_group_ = is_group;
    tiers.back().count += named.size();
    upstreams.insert(upstreams.end(), named.begin(), named.end());
  }

  std::vector<std::size_t> upstreams;
  std::vector<Tier> tiers;

 private:
  Balance balance_;
  Balance of_group_;
  bool after_group_ = false;
};

class RoutingReader {
 public:
  RoutingReader(const Settings& settings, const BrokenUpstreams& broken, Config& config,
                std::vector<std::string>& problems)
      : settings_(settings), broken_(broken), config_(config), problems_(problems) {}

  void read() {
    choose_default_route();
    for (const Given& given : settings_.of("route")) read_route(given);
    read_no_proxy();
    warn_of_unreachable_routes();
    warn_of_unused_upstreams();
    warn_of_unused_weights();
  }

 private:
  /// All upstreams in their order, except those that are only a hop to another.
  void choose_default_route() {
    std::set<std::size_t> hops;
    for (const UpstreamConfig& upstream : config_.upstreams) {
      if (upstream.via_index) hops.insert(*upstream.via_index);
    }
    RouteUpstreams route(config_.balance, settings_.has("balance"));
    for (std::size_t i = 0; i < config_.upstreams.size();) {
      std::vector<std::size_t> beside;
      const std::string& group = config_.upstreams[i].group;
      do {
        if (hops.count(i) == 0) beside.push_back(i);
        ++i;
      } while (!group.empty() && i < config_.upstreams.size() &&
               config_.upstreams[i].group == group);
      if (!beside.empty()) route.add(beside);
    }
    config_.default_route = std::move(route.upstreams);
    config_.default_tiers = std::move(route.tiers);
  }

  void read_route(const Given& given) {
    if (given.value.find('@') != std::string::npos) {
      // One problem, as a password may hold each of the characters at which a route is cut.
      problem(given, "an '@' has no place here: a route has hosts and the names of upstreams");
      return;
    }
    const std::size_t equals = given.value.find('=');
    if (equals == std::string::npos) {
      problem(given, "a route is written PATTERN,...=NAME,...");
      return;
    }
    std::vector<std::string> found;
    RouteConfig route;
    route.text = printable(given.value);
    route.origin = given.origin;
    const std::string_view list = std::string_view(given.value).substr(0, equals);
    route.patterns = parse_target_patterns(list, found);
    for (const std::string_view pattern : split(list, ',')) {
      const auto name = preset_name(pattern);
      if (const Preset* preset = name ? find_preset(to_lower(*name)) : nullptr) {
        route.presets.push_back(preset);
      }
    }
    for (const std::string& text : found) problem(given, text);
    std::string_view names = std::string_view(given.value).substr(equals + 1);
    const std::size_t before = names.size();
    const std::optional<Balance> balance = read_balance(given, names);
    if (!balance) return;
    RouteUpstreams named(*balance, names.size() != before || settings_.has("balance"));
    if (!read_names(given, names, named) || !found.empty()) return;
    route.upstreams = std::move(named.upstreams);
    route.tiers = std::move(named.tiers);
    config_.routes.push_back(std::move(route));
  }

  /// How a route says that it is balanced, if it does: "least:" is cut off from `names`.  nullopt:
  /// it is not a word for that.
  std::optional<Balance> read_balance(const Given& given, std::string_view& names) {
    const std::string_view first = names.substr(0, names.find(','));
    const std::size_t colon = first.find(':');
    // The name of an upstream may be its URL.
    if (colon == std::string_view::npos || first.substr(colon).starts_with("://")) {
      return config_.balance;
    }
    const std::string_view word = trim_space(first.substr(0, colon));
    for (const auto& [name, balance] : kBalanceNames) {
      if (!iequals(word, name)) continue;
      names.remove_prefix(colon + 1);
      return balance;
    }
    problem(given, fmt::format("'{}:' is no way to balance ({})", printable(redact(word), 40),
                               join_balance_names()));
    return std::nullopt;
  }

  static std::string join_balance_names() {
    std::string out;
    for (const auto& [name, balance] : kBalanceNames)
      out += concat({out.empty() ? "" : ", ", name});
    return out;
  }

  bool read_names(const Given& given, std::string_view list, RouteUpstreams& route) {
    bool good = true;
    bool deny = false;
    const auto names = split(list, ',');
    for (const std::string_view name : names) {
      if (iequals(name, kDeny)) {
        deny = true;
        continue;
      }
      const std::vector<std::size_t> found = find_upstreams(name);
      if (found.empty()) {
        if (name.empty() || !broken_.may_be(name)) problem(given, unknown_name(name));
        good = false;
      } else if (std::any_of(found.begin(), found.end(),
                             [&](std::size_t index) { return route.has(index); })) {
        problem(given, fmt::format("'{}' is named twice", redact(name)));
        good = false;
      } else {
        route.add(found);
      }
    }
    if (deny && names.size() > 1) {
      problem(given, "'deny' stands alone");
      return false;
    }
    return good;
  }

  std::string unknown_name(std::string_view name) const {
    if (name.empty()) return "the name of an upstream is missing";
    std::string names;
    for (const UpstreamConfig& upstream : config_.upstreams) {
      if (upstream.tunnel == 1 && !upstream.group.empty()) names += upstream.group + ", ";
      names += upstream.name + ", ";
    }
    if (!named_direct()) names += "direct, ";
    for (const auto& [word, balance] : kBalanceNames) {
      if (!name.starts_with(concat({word, ":"}))) continue;
      return fmt::format("'{}:' stands once, before the first name", word);
    }
    return fmt::format("no upstream is named '{}' ({}deny)", redact(name), names);
  }

  bool named_direct() const {
    return std::any_of(config_.upstreams.begin(), config_.upstreams.end(),
                       [](const UpstreamConfig& upstream) { return upstream.name == kDirect; });
  }

  /// Those that have the name together, or the one; none: there is none.
  std::vector<std::size_t> find_upstreams(std::string_view name) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < config_.upstreams.size() && !name.empty(); ++i) {
      const UpstreamConfig& upstream = config_.upstreams[i];
      if (upstream.name == name || upstream.group == name) found.push_back(i);
    }
    if (found.empty() && iequals(name, kDirect)) found.push_back(direct());
    return found;
  }

  /// The built-in `direct`: the first upstream of that kind, or one of its own.
  std::size_t direct() {
    const auto is_direct = [](const UpstreamConfig& upstream) {
      return upstream.kind == UpstreamConfig::Kind::direct;
    };
    const auto found = std::find_if(config_.upstreams.begin(), config_.upstreams.end(), is_direct);
    const auto index = static_cast<std::size_t>(found - config_.upstreams.begin());
    if (found == config_.upstreams.end()) {
      UpstreamConfig upstream;
      upstream.name = kDirect;
      upstream.label = "direct://";
      config_.upstreams.push_back(std::move(upstream));
    }
    return index;
  }

  void read_no_proxy() {
    if (!settings_.has("no-proxy")) return;
    std::string list;
    for (const Given& given : settings_.of("no-proxy")) {
      const NoProxy alone(given.value);  // so that its warnings have its origin
      for (const std::string& warning : alone.warnings()) {
        warn(fmt::format("{} {}", given.origin, warning));
      }
      if (!list.empty()) list += ',';
      list += given.value;
      config_.no_proxy_lines.push_back({given.origin, given.value});
    }
    config_.no_proxy = NoProxy(list);
    config_.direct = direct();
  }

  /// A pattern that an earlier route covers altogether is most likely in the wrong order.
  void warn_of_unreachable_routes() {
    for (std::size_t later = 0; later < config_.routes.size(); ++later) {
      for (const TargetPattern& pattern : config_.routes[later].patterns) {
        for (std::size_t earlier = 0; earlier < later; ++earlier) {
          const auto& before = config_.routes[earlier].patterns;
          const auto covers = [&](const TargetPattern& one) { return one.covers(pattern); };
          if (std::none_of(before.begin(), before.end(), covers)) continue;
          warn(fmt::format("--route {}: {} is never reached, --route {} comes first",
                           config_.routes[later].text, pattern.text(),
                           config_.routes[earlier].text));
          break;
        }
      }
    }
  }

  /// No route takes everything.
  bool reaches_default() const {
    return std::none_of(config_.routes.begin(), config_.routes.end(), [](const RouteConfig& route) {
      return std::any_of(route.patterns.begin(), route.patterns.end(),
                         [](const TargetPattern& pattern) { return pattern.matches_everything(); });
    });
  }

  void warn_of_unused_upstreams() {
    if (!broken_.empty() || !config_.upstream_given) return;
    std::set<std::size_t> used;
    for (const RouteConfig& route : config_.routes) {
      used.insert(route.upstreams.begin(), route.upstreams.end());
    }
    if (reaches_default()) used.insert(config_.default_route.begin(), config_.default_route.end());
    if (config_.direct) used.insert(*config_.direct);
    for (std::size_t i = 0; i < config_.upstreams.size(); ++i) {
      // A hop is in use if an upstream behind it is.
      if (used.count(i) > 0 && config_.upstreams[i].via_index) mark_hops(i, used);
    }
    for (std::size_t i = 0; i < config_.upstreams.size(); ++i) {
      if (used.count(i) > 0) continue;
      warn(fmt::format("--upstream {}: no route uses it", config_.upstreams[i].name));
    }
  }

  /// A weight does nothing but in a tier that is balanced.
  void warn_of_unused_weights() {
    std::set<std::size_t> balanced;
    const auto add = [&](const std::vector<RoutePart>& parts) {
      for (const RoutePart& part : parts) {
        if (part.balance == Balance::order) continue;
        balanced.insert(part.upstreams.begin(), part.upstreams.end());
      }
    };
    if (reaches_default()) add(parts_of(config_.default_route, config_.default_tiers));
    for (const RouteConfig& route : config_.routes) add(parts_of(route.upstreams, route.tiers));
    for (std::size_t i = 0; i < config_.upstreams.size(); ++i) {
      const UpstreamConfig& upstream = config_.upstreams[i];
      if (upstream.weight == 1 || balanced.count(i) > 0) continue;
      warn(
          fmt::format("--upstream {}: weight does nothing, as no route is balanced over it and "
                      "others, see --balance",
                      upstream.name));
    }
  }

  void mark_hops(std::size_t index, std::set<std::size_t>& used) const {
    auto hop = config_.upstreams[index].via_index;
    while (hop && used.insert(*hop).second) hop = config_.upstreams[*hop].via_index;
  }

  void warn(std::string text) { config_.warnings.push_back(std::move(text)); }

  void problem(const Given& given, std::string_view text) {
    problems_.push_back(fmt::format("{} {}: {}", given.origin, shown(given.value), text));
  }

  /// Behind a ':' there may be a password, but not behind that of a balance.
  static std::string shown(std::string_view route) {
    for (const auto& [name, balance] : kBalanceNames) {
      const std::size_t end = route.find(concat({"=", name, ":"}));
      if (end == std::string_view::npos) continue;
      const std::size_t cut = end + name.size() + 2;
      return redact(route.substr(0, cut - 1)) + ":" + redact(route.substr(cut));
    }
    return redact(route);
  }

  const Settings& settings_;
  const BrokenUpstreams& broken_;
  Config& config_;
  std::vector<std::string>& problems_;
};

}  // namespace

void read_routing(const Settings& settings, const BrokenUpstreams& broken, Config& config,
                  std::vector<std::string>& problems) {
  RoutingReader(settings, broken, config, problems).read();
}

}  // namespace culvert
