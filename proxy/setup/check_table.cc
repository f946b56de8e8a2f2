#include "setup/check_table.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "config/listen_url.h"
#include "host/process_list.h"
#include "host/proxy_variables.h"
#include "setup/bridge.h"
#include "setup/check_own.h"
#include "setup/direct_hosts.h"
#include "setup/proxy_readers.h"
#include "setup/root.h"
#include "setup/targets.h"

namespace culvert {
namespace {

/// One line of the table, and what stands below it.
struct Row {
  std::string who;
  std::string has = "no proxy";
  std::string right = "yes";
  std::string from;
  std::string cause;
  std::vector<std::string> notes{};
};

constexpr std::string_view kNotSet = "no proxy";

void append_padded(std::string& line, std::string_view text, std::size_t width) {
  line += text;
  line.append(text.size() < width ? width - text.size() : 0, ' ');
  line += "  ";
}

void append_row(std::string& text, const Row& row) {
  std::string line;
  append_padded(line, row.who, 17);
  append_padded(line, row.has, 28);
  append_padded(line, row.right, 7);
  line += row.from;
  text.append(line, 0, line.find_last_not_of(' ') + 1).append("\n");
  if (!row.cause.empty()) text.append("  cause: ").append(row.cause).append("\n");
  for (const std::string& note : row.notes) text.append("  note: ").append(note).append("\n");
}

void append_fix(std::string& text, const std::string& fix) {
  if (!fix.empty()) text.append("  fix: ").append(fix).append("\n");
}

/// Where a rootless dockerd reaches this machine, if it may.
constexpr std::string_view kHostOfRootless = "10.0.2.2";

/// Why loopback is no place for culvert; empty: it is one.
std::string_view loopback_is_wrong(const ProxyReader& reader) {
  if (reader.in_containers) return "in a container that is the container itself";
  return reader.unit.of_user ? "in the network of a rootless dockerd that is itself" : "";
}

std::string at_port(const NamedProxy& proxy) { return ":" + std::to_string(proxy.port); }

/// Is culvert there, as far as can be known?
bool is_ours(const SetupFacts& facts, const std::vector<RunningCulvert>& culverts,
             const NamedProxy& proxy) {
  auto address = proxy.address();
  if (!address) return false;
  if (address->host == "localhost") address = HostPort::from("127.0.0.1", address->port).value();
  if (is_served(culverts, *address)) return true;
  const std::string at = "//" + address->to_string();
  if (facts.proxy_url.ends_with(at) || facts.container_url.ends_with(at)) return true;
  // --bridge adds a listener to plain ones alone; a rootless dockerd reaches loopback.
  const bool bridge = address->host == facts.bridge && !is_https_url(facts.proxy_url);
  return (bridge || address->host == kHostOfRootless) && facts.proxy_url.ends_with(at_port(proxy));
}

/// Of culvert, where `is_ours`: it speaks no plain HTTP.
bool speaks_tls_alone(const SetupFacts& facts, const NamedProxy& proxy) {
  // A plain listener would have been preferred.
  return (is_https_url(facts.proxy_url) && facts.proxy_url.ends_with(at_port(proxy))) ||
         facts.container_url == concat({kHttpsScheme, proxy.host, at_port(proxy)});
}

/// What stands in the way of a pull with this environment; `row` gets it.
void judge(const SetupFacts& facts, const std::vector<RunningCulvert>& culverts,
           std::span<const std::string> environment, std::string_view loopback, Row& row) {
  ProxyVariables variables = read_proxy_variables(environment, facts.proxy_url);
  if (is_https_url(facts.proxy_url)) {
    std::erase_if(variables.mistakes,
                  [](const ProxyMistake& mistake) { return mistake.unless_tls; });
  }
  row.right = "no";
  if (variables.https) row.has = variables.https->url();
  if (!variables.mistakes.empty()) {
    row.cause = variables.mistakes.front().cause;
  } else if (!variables.given) {
    row.cause.clear();
  } else if (!variables.https) {
    row.cause = "https:// URLs are requested directly";
  } else if (!loopback.empty() && variables.https->address() &&
             variables.https->address()->is_loopback()) {
    row.cause = loopback;
  } else if (!is_ours(facts, culverts, *variables.https)) {
    row.cause = "that is not culvert";
  } else if (variables.https->scheme == "http" && speaks_tls_alone(facts, *variables.https)) {
    row.cause = "culvert speaks TLS alone there";
  } else if (facts.sign_in && !variables.https->has_user) {
    row.cause = "clients sign in there, and it names no user";
  } else if (const auto mistake =
                 mistake_for_target(variables, HostPort::parse("gcr.io:443").value(), true)) {
    row.cause = mistake->cause;
  } else {
    row.right = "yes";
  }
}

bool is_installed(const SetupFacts& facts, const ProxyReader& reader) {
  // Its program comes with every docker; who uses it has the unit.
  if (reader.unit.of_user) return read_unit(facts, reader.unit).found;
  return reader.program.empty() ? facts.is_live()
                                : !find_program(facts.root, reader.program).empty();
}

bool is_wanted(const SetupFacts& facts, std::span<const std::string> targets,
               const ProxyReader& reader) {
  // "shell" has several, of which those with a program may not be there.
  const bool may_lack = reader.target == "shell" && !reader.program.empty();
  if ((targets.empty() || may_lack) && !is_installed(facts, reader)) return false;
  if (targets.empty()) return true;
  return std::find(targets.begin(), targets.end(), reader.target) != targets.end();
}

/// k3s has a name for its servers, and another for its agents.
bool is_process_of(const ProxyReader& reader, const RunningProcess& process) {
  return process.name == reader.process || (reader.target == "k3s" && process.name == "k3s-agent");
}

/// Else it is a rootless dockerd.
bool is_of_root(int pid) {
  struct stat info {};
  return stat(("/proc/" + std::to_string(pid)).c_str(), &info) != 0 || info.st_uid == 0;
}

/// Of processes that last: their environment is what counts until they are started again.
std::vector<Row> running_rows(const SetupFacts& facts, const std::vector<RunningCulvert>& culverts,
                              const ProxyReader& reader,
                              const std::vector<RunningProcess>& processes) {
  std::vector<Row> rows;
  for (const RunningProcess& process : processes) {
    if (reader.process.empty() || !is_process_of(reader, process)) continue;
    if (reader.process == "dockerd" && is_of_root(process.pid) == reader.unit.of_user) continue;
    Row row;
    row.who = "  process " + std::to_string(process.pid);
    row.from = "its environment";
    auto environment = environment_of(process.pid);
    if (environment) {
      if (reader.target == "k3s") hand_on_to_containerd(*environment);
      judge(facts, culverts, *environment, reader.in_containers ? "" : loopback_is_wrong(reader),
            row);
      if (row.right == "no") row.right = "restart";
    } else {
      row.has = "not known";
      row.right = "?";
      row.cause = environment.error().text;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string joined(const std::vector<std::string>& commands) {
  std::string all;
  for (const std::string& command : commands) all += (all.empty() ? "" : " && ") + command;
  return all;
}

/// `options` with an address that is this machine's there.
std::string options_for_rootless(const SetupFacts& facts, std::string options) {
  constexpr std::string_view kListen = " --listen ";
  for (std::size_t given = 0; (given = options.find(kListen)) != std::string::npos;) {
    options.erase(given, options.find(' ', given + kListen.size()) - given);
  }
  const std::string port = facts.proxy_url.substr(facts.proxy_url.rfind(':'));
  const std::string_view scheme = is_https_url(facts.proxy_url) ? kHttpsScheme : "";
  return concat({kListen, scheme, kHostOfRootless, port, options});
}

/// The one command, or what stands in its way.
std::string fix_for(const SetupFacts& facts, const ProxyReader& reader, bool only_restart,
                    const std::string& options) {
  const TargetPlan* const target = find_setup_target(reader.target);
  if (target == nullptr) return {};
  const Plan plan = target->plan(facts);
  const bool other_loopback = reader.unit.of_user && is_loopback_url(facts.proxy_url);
  std::string restart = facts.is_live() ? joined(plan.then_run) : "";
  if (only_restart) return restart;
  if (!plan.problems.empty()) return plan.problems.front();
  for (const FileEdit& edit : plan.files) {
    if (!edit.cannot_install.empty()) return edit.path + ": " + edit.cannot_install;
  }
  const std::string bridge = reader.in_containers ? " --bridge" : "";
  return concat({(plan.rivals.empty() ? "" : plan.rivals.front() + "; then "), "culvert setup ",
                 reader.target, bridge,
                 (other_loopback ? options_for_rootless(facts, options) : options), " --install",
                 (restart.empty() ? "" : " && " + restart)});
}

/// The rows of one program.
struct Group {
  Row configured;
  std::vector<Row> running;
  bool right = true;
  std::string fix;
};

/// A shell that has no proxy may be meant to have none.
bool needs_none(const ProxyReader& reader, const Row& row) {
  return reader.target == "shell" && row.has == kNotSet && row.cause.empty();
}

/// What the files say beside the proxy.
void add_exceptions(const ConfiguredProxy& configured, Row& row) {
  row.notes = configured.notes;
  if (configured.mistake.empty()) return;
  row.right = "no";
  row.cause = configured.mistake;
}

/// Ours may have taken the place of a list that names more hosts.
void add_direct_hosts(const SetupFacts& facts, const ProxyReader& reader,
                      const std::vector<std::string>& environment, Row& row) {
  const TargetPlan* const target = find_setup_target(reader.target);
  if (target == nullptr || row.right != "yes" || !facts.no_proxy.empty()) return;
  std::string list;
  for (const std::string_view variable : environment) {
    constexpr std::string_view kVariable = "no_proxy=";
    if (!to_lower(variable).starts_with(kVariable)) continue;
    list.append(list.empty() ? "" : ",").append(variable.substr(kVariable.size()));
  }
  std::string lost = direct_hosts_lost(facts, reader.target, target->plan(facts).files, list);
  if (!lost.empty()) row.notes.push_back(std::move(lost));
}

Group examine(const SetupFacts& facts, const std::vector<RunningCulvert>& culverts,
              const ProxyReader& reader, const std::vector<RunningProcess>& processes,
              const std::string& options) {
  Group group;
  ConfiguredProxy configured = configured_proxy(facts, reader);
  const bool this_shell = reader.name == "shell" && facts.is_live();
  if (this_shell) configured.environment = own_environment();
  Row& row = group.configured;
  row.who = this_shell ? "this shell" : std::string(reader.name);
  row.from = this_shell ? "its environment" : printable(configured.path);
  judge(facts, culverts, configured.environment, loopback_is_wrong(reader), row);
  if (!configured.unreadable.empty() && row.right != "yes") row.cause = configured.unreadable;
  if (!this_shell) add_exceptions(configured, row);
  add_direct_hosts(facts, reader, configured.environment, row);
  if (needs_none(reader, row)) row.right = "-";
  // dockerd changes its environment after the start, as daemon.json says.
  if (configured.form != SettingForm::docker_json) {
    group.running = running_rows(facts, culverts, reader, processes);
  }
  const bool written = row.right != "no";
  const auto is_right = [](const Row& other) { return other.right == "yes"; };
  group.right = written && std::all_of(group.running.begin(), group.running.end(), is_right);
  if (!group.right) group.fix = fix_for(facts, reader, written, options);
  return group;
}

}  // namespace

CheckTable check_table(const SetupFacts& facts, std::span<const std::string> targets,
                       const std::vector<RunningCulvert>& culverts, const std::string& options) {
  CheckTable table;
  const auto processes = facts.is_live() ? running_processes() : std::vector<RunningProcess>();
  append_row(table.text, {"WHO", "HAS NOW", "RIGHT", "FROM", "", {}});
  bool any = false;
  for (const ProxyReader& reader : proxy_readers()) {
    if (!is_wanted(facts, targets, reader)) continue;
    any = true;
    const Group group = examine(facts, culverts, reader, processes, options);
    append_row(table.text, group.configured);
    for (const Row& row : group.running) append_row(table.text, row);
    append_fix(table.text, group.fix);
    table.right = table.right && group.right;
  }
  for (const std::string_view target : {"systemd", "cache"}) {
    const bool asked = std::find(targets.begin(), targets.end(), target) != targets.end();
    if (!asked && !targets.empty()) continue;
    for (const OwnState& state : own_states(facts, target, culverts, asked, options)) {
      any = true;
      append_row(table.text, {state.who, state.has, state.right, state.from, state.cause});
      append_fix(table.text, state.fix);
      table.right = table.right && state.right != "no";
    }
  }
  if (!any) table.text = "nothing that uses a proxy is installed here\n";
  return table;
}

}  // namespace culvert
