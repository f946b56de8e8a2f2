#include "policy/preset_gaps.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace culvert {
namespace {

std::vector<TargetPattern> parse_all(std::span<const std::string_view> texts) {
  std::vector<TargetPattern> patterns;
  for (const std::string_view text : texts) {
    std::string problem;
    if (auto pattern = TargetPattern::parse(text, problem)) patterns.push_back(std::move(*pattern));
  }
  return patterns;
}

bool any_matches(const std::vector<TargetPattern>& patterns, const HostPort& target) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const TargetPattern& pattern) { return pattern.matches(target); });
}

}  // namespace

PresetGaps::PresetGaps(const Router& router, const std::vector<PresetRoute>& routes)
    : router_(router), known_(parse_all(presets().back().patterns)) {
  for (const PresetRoute& route : routes) {
    for (const Preset* preset : route.presets) {
      registries_.push_back(
          {preset, parse_all(preset->registries()), route.upstreams, route.names});
    }
  }
}

std::optional<std::string> PresetGaps::note(const std::optional<IpAddress>& client,
                                            const HostPort& target, Time now) {
  if (const Registries* of = registries_with(target)) {
    remember({client, target.host, of, now});
    return std::nullopt;
  }
  const auto pull = recent_pull(client, now);
  if (!pull || target.ip || is_named(target)) return std::nullopt;
  if (router_.route(target).upstreams == pull->of->upstreams) return std::nullopt;
  const std::string name = target.to_string();
  {
    const std::lock_guard lock(mutex_);
    if (reported_.size() >= kMostReported || !reported_.insert(name).second) return std::nullopt;
  }
  return fmt::format(
      "pulls from {} may need {} as well, which preset:{} does not name: --route {}={}",
      pull->registry, name, pull->of->preset->name, name, pull->of->names);
}

void PresetGaps::keep_reported(const PresetGaps& before) {
  const std::scoped_lock lock(mutex_, before.mutex_);
  reported_ = before.reported_;
}

const PresetGaps::Registries* PresetGaps::registries_with(const HostPort& target) const {
  const auto found =
      std::find_if(registries_.begin(), registries_.end(),
                   [&](const Registries& one) { return any_matches(one.patterns, target); });
  return found == registries_.end() ? nullptr : &*found;
}

/// A client has one entry; beyond the limit the oldest goes.
void PresetGaps::remember(Pull pull) {
  const std::lock_guard lock(mutex_);
  auto place = std::find_if(pulls_.begin(), pulls_.end(),
                            [&](const Pull& one) { return one.client == pull.client; });
  if (place == pulls_.end() && pulls_.size() < kMostClients) {
    pulls_.push_back(std::move(pull));
    return;
  }
  if (place == pulls_.end()) {
    place = std::min_element(pulls_.begin(), pulls_.end(),
                             [](const Pull& a, const Pull& b) { return a.at < b.at; });
  }
  *place = std::move(pull);
}

std::optional<PresetGaps::Pull> PresetGaps::recent_pull(const std::optional<IpAddress>& client,
                                                        Time now) const {
  const std::lock_guard lock(mutex_);
  for (const Pull& pull : pulls_) {
    if (pull.client == client && now - pull.at <= kSoon) return pull;
  }
  return std::nullopt;
}

/// By a preset, in use or not, or by a rule of the user's own.
bool PresetGaps::is_named(const HostPort& target) const {
  return any_matches(known_, target) || router_.has_rule_for(target);
}

}  // namespace culvert
