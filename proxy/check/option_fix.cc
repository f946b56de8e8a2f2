#include "check/option_fix.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/shell_text.h"
#include "base/text.h"

namespace culvert {
namespace {

using Values = std::vector<std::string>;

/// A rule in quotes, even if it needs none: most have a '*'.
std::string one_word(const std::string& value, bool is_rule) {
  std::string word = shell_quoted(value);
  return is_rule && word == value ? "'" + value + "'" : word;
}

std::string list_fix(const Config* config, std::string_view option, const std::string& origin,
                     const Values& values) {
  const bool in_file =
      config != nullptr && !config->file.empty() && origin.starts_with(config->file + ":");
  std::string text;
  for (const std::string& value : values) {
    if (!text.empty()) text += in_file ? ", " : " ";
    if (in_file) {
      text += "\"" + json_escape(value) + "\"";
    } else {
      text.append("--").append(option).append(" ").append(one_word(value, option == "route"));
    }
  }
  if (!in_file) return text;
  return std::string(option) + " = [" + text + "]  # in " + printable(config->file);
}

bool takes(const RouteConfig& rule, const HostPort& target) {
  return std::any_of(rule.patterns.begin(), rule.patterns.end(),
                     [&](const TargetPattern& one) { return one.matches(target); });
}

}  // namespace

std::string upstream_fix(const Config* config, const UpstreamConfig& upstream,
                         const OptionChange& change) {
  Values values;
  bool found = false;
  const std::size_t count = config == nullptr ? 0 : config->upstream_count;
  for (std::size_t i = 0; i < count; ++i) {
    const UpstreamConfig& each = config->upstreams[i];
    if (each.tunnel > 1) continue;  // one option is for all of a group
    const bool is_changed =
        each.name == upstream.name || (!each.group.empty() && each.group == upstream.group);
    found = found || is_changed;
    values.push_back(upstream_value(
        each, is_changed ? change : OptionChange{.login = each.credentials.has_value()}));
  }
  // As for one that no option gives: the default.
  if (!found) values = {upstream_value(upstream, change)};
  return list_fix(config, "upstream", config == nullptr ? "" : config->upstream_origin, values);
}

std::string route_fix(const Config* config, const HostPort& target, const std::string& host,
                      const std::string& name) {
  Values values;
  bool is_in = false;
  const auto routes = config == nullptr ? std::vector<RouteConfig>() : config->routes;
  for (const RouteConfig& each : routes) {
    if (!is_in && takes(each, target)) {
      is_in = true;
      const std::string only = each.patterns.size() == 1 ? each.patterns.front().text() : "";
      const bool is_same = only == host || only == target.to_string();
      values.push_back((is_same ? only : host) + "=" + name);
      if (is_same) continue;
    }
    values.push_back(each.text);
  }
  if (!is_in) values.push_back(host + "=" + name);
  return list_fix(config, "route", routes.empty() ? "" : routes.front().origin, values);
}

std::string with_comment(std::string fix, std::string_view comment) {
  return std::move(
      fix.append(fix.find("  # ") == std::string::npos ? "  # " : "; ").append(comment));
}

std::string shown_rule(const Config& config, const std::string& rule) {
  constexpr std::string_view kFlag = "--route ";
  for (const RouteConfig& route : config.routes) {
    const bool is_it =
        rule.starts_with(kFlag) && rule.compare(kFlag.size(), rule.npos, route.text) == 0;
    if (is_it && !route.origin.empty()) return route.origin + " " + route.text;
  }
  return rule;
}

std::string shown_text(const Config& config, const Router::Explanation& found) {
  const std::string& rule = found.route->rule;
  return shown_rule(config, rule) + found.text.substr(rule.size());
}

}  // namespace culvert
