#include "commands/setup.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/shell_text.h"
#include "base/text.h"
#include "base/utf8.h"
#include "commands/kept_options.h"
#include "commands/setup_facts.h"
#include "commands/standard_streams.h"
#include "host/listening.h"
#include "options/command_table.h"
#include "setup/apply.h"
#include "setup/bridge.h"
#include "setup/check_table.h"
#include "setup/earlier_places.h"
#include "setup/find_facts.h"
#include "setup/installed_service.h"
#include "setup/listeners.h"
#include "setup/quote.h"
#include "setup/service_files.h"
#include "setup/show.h"
#include "setup/targets.h"

namespace culvert {
namespace {

using Action = SetupOptions::Action;

/// Of the service: neither systemd nor TOML takes another.  Empty if all are well.
std::string option_without_utf8(const SetupOptions& options) {
  for (const auto& [name, values] : options.service) {
    if (!std::all_of(values.begin(), values.end(), is_utf8)) return "--" + name;
  }
  return {};
}

bool names_lost_file(const std::vector<GivenListener>& listeners) {
  return std::any_of(listeners.begin(), listeners.end(), [](const GivenListener& given) {
    return given.text.find(kCredentials) != std::string::npos;
  });
}

/// What the installed service has counts where no option says something else.
Plan plan_with_kept(SetupFacts facts, const TargetPlan& target) {
  const InstalledService installed = installed_service(facts);
  KeptOptions options = keep_options(facts.service, installed.config, facts.root);
  facts.service = std::move(options.service);
  if (facts.bridge.empty() && !installed.bridge.empty()) {
    const auto& kept = options.kept;
    const bool kept_clients = std::find(kept.begin(), kept.end(), "allow-client") != kept.end();
    keep_bridge(installed.bridge, kept_clients, facts);
    std::erase_if(options.kept, [&](const std::string& name) { return !facts.has_option(name); });
  }
  if (names_lost_file(facts.listeners)) {
    options.problem = concat({kServiceConfig, ": listen names a file that ", kServiceUnit,
                              " does not tell any more - give every --listen again"});
  }
  Plan plan = target.plan(facts);
  if (!options.problem.empty()) plan.problems.push_back(std::move(options.problem));
  for (const GivenListener& given : facts.listeners) {
    const auto problems = certificate_problems(given.listen, facts);
    plan.problems.insert(plan.problems.end(), problems.begin(), problems.end());
  }
  std::string kept;
  for (const std::string& name : options.kept) kept += (kept.empty() ? "" : ", ") + name;
  if (!kept.empty()) {
    plan.notes.push_back(
        concat({"kept from ", kServiceConfig, ": ", kept, " (to begin anew: --uninstall first)"}));
  }
  return plan;
}

/// How the clients of `plan` reach culvert, or why they cannot.
void add_way_to_culvert(const SetupFacts& facts, Plan& plan) {
  if (plan.target == kCacheTarget) return;
  if (!facts.certificate_note.empty()) plan.notes.push_back(facts.certificate_note);
  if (plan.target == kSystemdTarget) return;
  // It would have an address that nobody gave.
  if (!facts.listen_problem.empty()) return plan.drop_for(facts.listen_problem);
  plan.problems.insert(plan.problems.end(), facts.certificate_problems.begin(),
                       facts.certificate_problems.end());
  if (facts.sign_in) plan.problems.push_back(sign_in_problem(facts));
  if (!facts.listen_note.empty()) plan.notes.push_back(facts.listen_note);
  note_tls(facts, plan);
}

std::vector<Plan> make_plans(const SetupFacts& facts, const SetupOptions& options) {
  std::vector<Plan> plans;
  for (const std::string& name : options.targets) {
    const TargetPlan* const target = find_setup_target(name);
    if (target == nullptr) continue;
    const bool uninstalls = options.action == Action::uninstall;
    const bool keeps = target->name == "systemd" && !uninstalls;
    plans.push_back(keeps ? plan_with_kept(facts, *target) : target->plan(facts));
    if (!uninstalls) add_way_to_culvert(facts, plans.back());
    if (uninstalls) {
      add_earlier_places(facts, *target, earlier_users(facts), plans.back());
    }
  }
  return plans;
}

bool can_be_installed(const Plan& plan) {
  return plan.problems.empty() &&
         std::all_of(plan.files.begin(), plan.files.end(),
                     [](const FileEdit& edit) { return edit.cannot_install.empty(); });
}

int show(const SetupFacts& facts, const std::vector<Plan>& plans) {
  bool good = true;
  for (const Plan& plan : plans) {
    print(stdout, show_plan(facts, plan));
    // `eval` shows no comments.
    if (plan.to_eval && isatty(STDOUT_FILENO) == 0) {
      for (const std::string& problem : plan.problems) complain(problem);
    }
    good = good && can_be_installed(plan);
  }
  const bool for_eval = std::any_of(plans.begin(), plans.end(),
                                    [](const Plan& plan) { return plan.to_eval.has_value(); });
  if (good && !for_eval) {
    print(stdout, "nothing was written: --install writes it, --dry-run shows the difference\n");
  }
  return good ? 0 : 1;
}

int show_differences(const SetupFacts& facts, const std::vector<Plan>& plans) {
  bool good = true;
  for (const Plan& plan : plans) {
    print(stdout, show_difference(plan, SetupWay::install));
    for (const std::string& problem : plan.problems) complain(problem);
    for (const FileEdit& edit : plan.files) {
      if (!edit.cannot_install.empty()) complain(edit.path + ": " + edit.cannot_install);
    }
    good = good && can_be_installed(plan);
  }
  for (const std::string& problem : find_write_problems(facts, plans, SetupWay::install)) {
    complain(problem);
    good = false;
  }
  return good ? 0 : 1;
}

/// What the command that would mend it has to say again.
std::string repeated_options(const SetupFacts& facts, const SetupOptions& options) {
  std::string text;
  if (!facts.is_live()) text += " --root " + quote_shell(facts.root);
  for (const GivenListener& given : options.listen) {
    text.append(" --listen ").append(shell_quoted(given.text));
  }
  if (!options.no_proxy.empty()) text += " --no-proxy " + quote_shell(options.no_proxy);
  return text;
}

int show_table(const SetupFacts& facts, const SetupOptions& options) {
  // No program could have the right address.
  if (!facts.listen_problem.empty()) {
    complain(facts.listen_problem);
    return 1;
  }
  const auto culverts = facts.is_live() ? running_culverts() : std::vector<RunningCulvert>();
  const CheckTable table =
      check_table(facts, options.targets, culverts, repeated_options(facts, options));
  print(stdout, table.text);
  return flushed(table.right ? 0 : 1);
}

int carry_out(const SetupFacts& facts, const std::vector<Plan>& plans, SetupWay way) {
  const Applied applied = apply(facts, plans, way);
  for (const std::string& line : applied.lines) print(stdout, line + "\n");
  for (const Plan& plan : plans) {
    if (plan.files.empty() && !plan.looked_in.empty()) {
      print(stdout, "not installed: " + plan.target + " (looked in " + plan.looked_in + ")\n");
    }
  }
  for (const std::string& problem : applied.problems) complain(problem);
  if (!applied.changed) return applied.problems.empty() ? 0 : 1;
  for (const Plan& plan : plans) {
    print(stdout, show_then_run(facts, plan, way));
    if (way == SetupWay::uninstall) continue;
    for (const std::string& note : plan.notes) print(stdout, "  note: " + note + "\n");
  }
  return applied.problems.empty() ? 0 : 1;
}

/// What is wrong with the options of a service on another machine, whose files are below `root`.
std::vector<std::string> problems_elsewhere(const SetupOptions& options, std::string_view root) {
  if (!options.is_elsewhere() || !options.has(kSystemdTarget)) return {};
  Settings settings;
  for (const GivenListener& given : options.listen)
    settings.add("listen", {given.text, "--listen"});
  for (const auto& [name, values] : options.service) {
    for (const std::string& value : values) settings.add(name, {value, "--" + name});
  }
  return service_problems(settings, root);
}

}  // namespace

int setup(const SetupOptions& options) {
  std::string root = find_folder(options.root);
  if (root.empty()) {
    complain("--root " + options.root + ": there is no such folder");
    return 2;
  }
  if (has_control(options.no_proxy)) {
    complain("--no-proxy: holds a control character");
    return 2;
  }
  if (const std::string option = option_without_utf8(options); !option.empty()) {
    complain(option + ": holds bytes that are no UTF-8, which a file of TOML cannot");
    return 2;
  }
  if (const auto problems = problems_elsewhere(options, root); !problems.empty()) {
    for (const std::string& problem : problems) complain(problem);
    return 2;
  }
  const SetupFacts facts = facts_of(options, std::move(root));
  if (options.action == Action::check) return show_table(facts, options);
  const std::vector<Plan> plans = make_plans(facts, options);
  if (plans.empty()) {
    complain("setup: no target");
    return 2;
  }
  switch (options.action) {
    case Action::dry_run:
      return show_differences(facts, plans);
    case Action::install:
      return carry_out(facts, plans, SetupWay::install);
    case Action::uninstall:
      return carry_out(facts, plans, SetupWay::uninstall);
    default:
      return show(facts, plans);
  }
}

}  // namespace culvert
