#include "commands/check.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/shell_text.h"
#include "base/text.h"
#include "check/check.h"
#include "check/report_text.h"
#include "commands/patient_output.h"
#include "commands/proxy_start.h"
#include "commands/seen_failures.h"
#include "commands/standard_streams.h"
#include "policy/address_guard.h"
#include "server/ruleset.h"

namespace culvert {
namespace {

/// "tunnel (socks5://127.0.0.1:1080) via office (http://proxy.example:3128)"
std::string describe(const Config& config, std::size_t index) {
  std::string text;
  for (std::optional<std::size_t> hop = index; hop; hop = config.upstreams[*hop].via_index) {
    const UpstreamConfig& upstream = config.upstreams[*hop];
    if (!text.empty()) text += " via ";
    text += upstream.name == upstream.label ? upstream.label
                                            : upstream.name + " (" + upstream.label + ")";
  }
  return text;
}

void print_upstreams(const Config& config, const Route& route) {
  if (route.denied()) {
    print(stdout, "  way   none: clients get 403\n");
    return;
  }
  std::string_view label = "way";
  for (const RoutePart& part : parts_of(route)) {
    if (part.balance != Balance::order) {
      print(stdout, fmt::format("  {:<6}by {}, {}, of\n", label, name_of(part.balance),
                                meaning_of(part.balance)));
      label = "";
    }
    for (const std::size_t index : part.upstreams) {
      const std::uint32_t weight = config.upstreams[index].weight;
      const bool weighs = part.balance != Balance::order && weight != 1;
      print(stdout, fmt::format("  {:<6}{}{}\n", label, describe(config, index),
                                weighs ? fmt::format(", weight {}", weight) : std::string()));
      if (part.balance == Balance::order) label = "then";
    }
    label = "then";
  }
}

}  // namespace

int check_route(const RouteQuestion& question) {
  const Config& config = question.config;
  std::vector<std::string> problems;
  make_tls_contexts(config.upstreams, problems);
  for (const std::string& problem : problems) complain(problem);
  if (!problems.empty()) return 2;
  for (const std::string& warning : config.warnings) complain(warning);
  const Router router = make_router(config);
  const std::vector<HostPort> no_listeners;
  const AddressGuard guard(no_listeners, router, nullptr);
  const AddressCheck check{&guard, AddressGuard::Client::elsewhere};
  for (const HostPort& target : question.targets) {
    const Router::Explanation explanation = router.explain(target);
    print(stdout, fmt::format("{}\n  rule  {}\n", target.to_string(), explanation.text));
    if (const Preset* preset = explanation.preset) {
      print(stdout,
            fmt::format("  hosts of preset:{}, checked on {}\n", preset->name, preset->checked));
    }
    print_upstreams(config, *explanation.route);
    if (explanation.route->denied()) continue;
    const auto permitted = check.target(target, AddressGuard::Egress::through_upstream);
    if (!permitted) {
      print(stdout, fmt::format("  but   {} {}\n", target.host, permitted.error().text));
    }
  }
  return 0;
}

namespace {

/// `text` as it was given, without what may be a credential.
std::string shown_as_given(const CheckTarget& target, const std::string& text) {
  if (target.kind != CheckTarget::Kind::url || text.find('@') != std::string::npos) {
    return target.shown;
  }
  return printable(text.substr(0, text.find_first_of("?#")));
}

/// The targets as they were given.  What is none becomes a line of `problems`.
std::vector<CheckTarget> read_targets(const std::vector<std::string>& given,
                                      std::vector<std::string>& problems) {
  std::vector<CheckTarget> targets;
  for (const std::string& text : given) {
    auto target = CheckTarget::parse(text);
    if (target) {
      target->shown = shown_as_given(*target, text);
      targets.push_back(std::move(*target));
    } else {
      problems.push_back("check: " + target.error().text);
    }
  }
  return targets;
}

GivenCheck given_check(const CheckOptions& options, const std::vector<CheckTarget>& targets) {
  GivenCheck given{options.given, options.given_timeout, {}};
  for (const CheckTarget& target : targets) {
    given.targets += (given.targets.empty() ? "" : " ") + shell_quoted(target.shown);
  }
  return given;
}

TextStyle text_style() {
  return style_for({.lc_all = std::getenv("LC_ALL"),
                    .lc_ctype = std::getenv("LC_CTYPE"),
                    .lang = std::getenv("LANG"),
                    .term = std::getenv("TERM"),
                    .no_color = std::getenv("NO_COLOR")},
                   isatty(STDOUT_FILENO) == 1);
}

/// Prints steps as they are done, unless all is printed as JSON at the end.
class StepPrinter final : public StepReader {
 public:
  StepPrinter(PatientOutput& output, bool silent)
      : output_(output), silent_(silent), style_(text_style()) {}

  void on_steps(const TargetReport& report) override {
    if (silent_) return;
    if (report.steps.size() < printed_ || report.target != target_) begin(report.target);
    for (; printed_ < report.steps.size(); ++printed_) {
      output_.write(report_lines(report.steps[printed_], style_));
    }
  }

 private:
  void begin(const std::string& target) {
    target_ = target;
    printed_ = 0;
    output_.write(report_head(target));
  }

  PatientOutput& output_;
  bool silent_;
  TextStyle style_;
  std::string target_;
  std::size_t printed_ = 0;
};

/// Until all is written.  In the time of the walk a reader may pause as he likes; what is left of
/// the output then, or when the user ends it, is for one who goes on reading.  Whether all went
/// out.
bool finish(PatientOutput& output, Walk& walk) {
  constexpr std::chrono::milliseconds kBetweenTurns{20};
  constexpr std::chrono::milliseconds kPatience{1'000};
  while (!walk.over() && !output.wait(kBetweenTurns)) walk.loop().turn(0);
  return output.wait_for_reader(kPatience) && !output.failed();
}

/// As a client goes that uses no proxy.
Config without_proxies(Config config) {
  UpstreamConfig direct;
  direct.name = "direct";
  direct.label = "direct://";
  config.upstreams = {std::move(direct)};
  config.upstream_given = false;
  config.routes.clear();
  config.default_route.clear();
  config.default_tiers.clear();
  config.no_proxy = {};
  config.no_proxy_lines.clear();
  config.direct.reset();
  return config;
}

/// The exit status.
int walk(const CheckOptions& options, const std::vector<CheckTarget>& targets,
         std::unique_ptr<Ruleset> ruleset) {
  PatientOutput output(STDOUT_FILENO);
  Walk walk(std::move(ruleset), options.timeout, given_check(options, targets));
  std::vector<std::string> none;
  Walk direct(make_ruleset(without_proxies(options.config), none), options.timeout,
              given_check(options, targets));
  StepPrinter printer(output, options.json);
  RunningCulvertFailures failures(walk.loop());
  const auto reports = check_targets({walk, direct, options.pid, printer, failures}, targets);
  if (options.json) output.write(report_json(reports));
  const bool ok = std::all_of(reports.begin(), reports.end(),
                              [](const TargetReport& report) { return report.ok(); });
  const bool written = finish(output, walk);
  const int status = ok && written ? 0 : 1;
  // A look-up or a write that hangs in its thread must not meet what ends with the process.
  if (walk.is_busy() || direct.is_busy() || !written) std::_Exit(status);
  return status;
}

}  // namespace

int check(const CheckOptions& options) {
  // Who reads our output may leave.
  std::signal(SIGPIPE, SIG_IGN);
  std::vector<std::string> problems;
  const std::vector<CheckTarget> targets = read_targets(options.targets, problems);
  auto ruleset = make_ruleset(options.config, problems);
  for (const std::string& problem : problems) complain(problem);
  if (!problems.empty()) return 2;
  if (const std::string problem = loop_limit_problem("check"); !problem.empty()) {
    complain(problem);
    return 1;
  }
  return walk(options, targets, std::move(ruleset));
}

}  // namespace culvert
