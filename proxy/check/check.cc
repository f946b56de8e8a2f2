#include "check/check.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/shell_text.h"
#include "check/beyond.h"
#include "check/registry_advice.h"
#include "check/surroundings.h"
#include "check/way_steps.h"
#include "host/listening.h"
#include "policy/presets.h"

namespace culvert {
namespace {

/// The walk to one target after the other, with what they share.
class Checker {
 public:
  explicit Checker(const CheckMeans& means)
      : means_(means),
        surroundings_(means.walk, means.pid, url_of_running(running_culverts())),
        way_(means.walk),
        direct_way_(means.direct) {}

  TargetReport check(const CheckTarget& target);
  TargetReport check_upstreams();
  TargetReport check_registry(const CheckTarget& target);

 private:
  void add(TargetReport& report, CheckStep step) {
    report.steps.push_back(std::move(step));
    means_.reader.on_steps(report);
  }
  void look_around(TargetReport& report, const VariablesFor& asked);
  void walk_on(TargetReport& report, const CheckTarget& target, bool directly);
  static void judge_direct_failure(const CheckTarget& target, CheckStep& step);
  void judge_proxy_failure(const CheckTarget& target, CheckStep& step);
  bool is_lost_by_proxy(const CheckTarget& target) const;
  void look_behind_cache(const CheckTarget& target, TargetReport& report);

  const CheckMeans& means_;
  Surroundings surroundings_;
  WaySteps way_;
  WaySteps direct_way_;
  std::chrono::system_clock::time_point begun_;
};

void Checker::look_around(TargetReport& report, const VariablesFor& asked) {
  add(report, surroundings_.config_step());
  add(report, surroundings_.environment_step(asked));
  if (auto step = surroundings_.listener_step(asked)) add(report, std::move(*step));
}

TargetReport Checker::check(const CheckTarget& target) {
  TargetReport report{target.shown, {}};
  const VariablesFor asked{target.address, target.tls};
  look_around(report, asked);
  walk_on(report, target, surroundings_.spares_near(asked));
  return report;
}

void Checker::walk_on(TargetReport& report, const CheckTarget& target, bool directly) {
  begun_ = std::chrono::system_clock::now();
  Walk& walk = directly ? means_.direct : means_.walk;
  CheckStep route = route_step(walk, target.address);
  if (directly) route.detail = "direct, past culvert";
  const bool denied = !route.ok;
  add(report, std::move(route));
  if (denied) return;
  const bool is_url = target.kind == CheckTarget::Kind::url;
  const WayTarget way{target.address, target.tls, is_url && !target.tls};
  const bool reached = (directly ? direct_way_ : way_).walk_to(way, report);
  if (!reached && !walk.over()) {
    if (directly) {
      judge_direct_failure(target, report.steps.back());
    } else {
      judge_proxy_failure(target, report.steps.back());
    }
  }
  means_.reader.on_steps(report);
  if (!reached || walk.over()) return;
  walk_beyond(walk, target, report);
  look_behind_cache(target, report);
  means_.reader.on_steps(report);
}

/// No proxy would help.
void Checker::judge_direct_failure(const CheckTarget& target, CheckStep& step) {
  if (!step.fix.starts_with("--upstream")) return;
  step.fix = "ping " + shell_quoted(target.address.host) +
             "  # it is connected to directly; is it up, and on which address?";
}

/// The target is near, and nobody has said which proxy leads to it.
void Checker::judge_proxy_failure(const CheckTarget& target, CheckStep& step) {
  if (step.name != "request" || !is_lost_by_proxy(target)) return;
  step.cause += "; " + target.address.host +
                " seems to be near this machine, where the far end of a proxy does not reach it";
  step.fix = surroundings_.spare_fix(target.address);
}

bool Checker::is_lost_by_proxy(const CheckTarget& target) const {
  const Walk& walk = means_.walk;
  const Route& route = walk.ruleset().router.route(target.address);
  const bool by_proxy =
      std::any_of(route.upstreams.begin(), route.upstreams.end(), [&](std::size_t index) {
        return walk.config().upstreams[index].kind != UpstreamConfig::Kind::direct;
      });
  return by_proxy && Surroundings::is_near(target.address) &&
         !walk.ruleset().router.has_rule_for(target.address);
}

/// The registry itself has failed, and may be a cache whose own way failed: then a culvert knows
/// why.
void Checker::look_behind_cache(const CheckTarget& target, TargetReport& report) {
  if (target.kind != CheckTarget::Kind::image || !may_be_cache(target.image.registry)) return;
  const std::string registry = target.image.registry.to_string();
  const auto is_its_fault = [&](const CheckStep& step) {
    return !step.ok && step.subject == registry &&
           (step.name == "http" || step.name == "registry" || step.name == "manifest" ||
            step.name == "blob");
  };
  if (means_.walk.interrupted() ||
      std::none_of(report.steps.begin(), report.steps.end(), is_its_fault)) {
    return;
  }
  means_.reader.on_steps(report);
  constexpr std::chrono::seconds kLong{2};
  const bool waited = std::chrono::system_clock::now() - begun_ > kLong;
  const auto seen = means_.failures.failures_since(begun_);
  if (!seen) return;
  const std::string again = means_.walk.given().command(shell_quoted(target.shown));
  report.steps.push_back(cache_step(*seen, waited, again));
}

TargetReport Checker::check_upstreams() {
  TargetReport report;
  look_around(report, {});
  way_.walk_upstreams(report);
  means_.reader.on_steps(report);
  return report;
}

TargetReport Checker::check_registry(const CheckTarget& target) {
  TargetReport report{target.shown, {}};
  walk_on(report, target, false);
  return report;
}

/// The registry that a preset is named after.
std::string registry_of(const Preset& preset) {
  const std::string_view first = preset.registries().front();
  // Where the images of docker.io are.
  return first == "docker.io:443" ? "registry-1.docker.io:443" : std::string(first);
}

}  // namespace

std::vector<std::string> preset_registries(const Config& config) {
  std::vector<std::string> found;
  const auto add = [&](const Preset& preset) {
    std::string registry = registry_of(preset);
    if (std::find(found.begin(), found.end(), registry) == found.end()) {
      found.push_back(std::move(registry));
    }
  };
  const Preset& together = presets().back();
  for (const RouteConfig& route : config.routes) {
    if (route.upstreams.empty()) continue;
    for (const Preset* preset : route.presets) {
      if (preset != &together) {
        add(*preset);
        continue;
      }
      for (const Preset& each : presets().first(presets().size() - 1)) add(each);
    }
  }
  return found;
}

std::vector<TargetReport> check_targets(const CheckMeans& means,
                                        const std::vector<CheckTarget>& targets) {
  Checker checker(means);
  std::vector<TargetReport> reports;
  reports.reserve(targets.size() + 1);
  for (const CheckTarget& target : targets) reports.push_back(checker.check(target));
  if (!targets.empty()) return reports;
  reports.push_back(checker.check_upstreams());
  for (const std::string& registry : preset_registries(means.walk.config())) {
    const auto target = CheckTarget::parse(registry);
    if (target) reports.push_back(checker.check_registry(*target));
  }
  return reports;
}

}  // namespace culvert
