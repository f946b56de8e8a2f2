#include "check/check.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "check/beyond.h"
#include "check/surroundings.h"
#include "check/way_steps.h"
#include "host/listening.h"
#include "policy/presets.h"

namespace culvert {
namespace {

/// The walk to one target after the other, with what they share.
class Checker {
 public:
  Checker(Walk& walk, std::optional<int> pid, StepReader& reader)
      : walk_(walk),
        reader_(reader),
        surroundings_(walk, pid, url_of_running(running_culverts())),
        way_(walk) {}

  TargetReport check(const CheckTarget& target);
  TargetReport check_upstreams();
  TargetReport check_registry(const CheckTarget& target);

 private:
  void add(TargetReport& report, CheckStep step) {
    report.steps.push_back(std::move(step));
    reader_.on_steps(report);
  }
  void look_around(TargetReport& report, const VariablesFor& asked);
  void walk_on(TargetReport& report, const CheckTarget& target);

  Walk& walk_;
  StepReader& reader_;
  Surroundings surroundings_;
  WaySteps way_;
};

void Checker::look_around(TargetReport& report, const VariablesFor& asked) {
  add(report, surroundings_.config_step());
  add(report, surroundings_.environment_step(asked));
  if (auto step = surroundings_.listener_step(asked)) add(report, std::move(*step));
}

TargetReport Checker::check(const CheckTarget& target) {
  TargetReport report{target.shown, {}};
  look_around(report, {target.address, target.tls});
  walk_on(report, target);
  return report;
}

void Checker::walk_on(TargetReport& report, const CheckTarget& target) {
  CheckStep route = route_step(walk_, target.address);
  const bool denied = !route.ok;
  add(report, std::move(route));
  if (denied) return;
  const bool is_url = target.kind == CheckTarget::Kind::url;
  const WayTarget way{target.address, target.tls, is_url && !target.tls};
  const bool reached = way_.walk_to(way, report);
  reader_.on_steps(report);
  if (!reached || walk_.over()) return;
  walk_beyond(walk_, target, report);
  reader_.on_steps(report);
}

TargetReport Checker::check_upstreams() {
  TargetReport report;
  look_around(report, {});
  way_.walk_upstreams(report);
  reader_.on_steps(report);
  return report;
}

TargetReport Checker::check_registry(const CheckTarget& target) {
  TargetReport report{target.shown, {}};
  walk_on(report, target);
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

std::vector<TargetReport> check_targets(Walk& walk, const std::vector<CheckTarget>& targets,
                                        std::optional<int> pid, StepReader& reader) {
  Checker checker(walk, pid, reader);
  std::vector<TargetReport> reports;
  reports.reserve(targets.size() + 1);
  for (const CheckTarget& target : targets) reports.push_back(checker.check(target));
  if (!targets.empty()) return reports;
  reports.push_back(checker.check_upstreams());
  for (const std::string& registry : preset_registries(walk.config())) {
    const auto target = CheckTarget::parse(registry);
    if (target) reports.push_back(checker.check_registry(*target));
  }
  return reports;
}

}  // namespace culvert
