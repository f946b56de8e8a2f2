#include "setup/unit_targets.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "setup/bridge.h"
#include "setup/direct_hosts.h"
#include "setup/docker_json.h"
#include "setup/earlier_file.h"
#include "setup/own_text.h"
#include "setup/proxy_settings.h"
#include "setup/quote.h"
#include "setup/rivals.h"
#include "setup/root.h"
#include "setup/unit_environment.h"
#include "setup/unit_file.h"
#include "setup/variables.h"

namespace culvert {
namespace {

constexpr std::string_view kClusterNote =
    "hosts inside the cluster, and private addresses, are reached without the proxy; give others "
    "with --no-proxy";

constexpr std::string_view kRestarts = "Restart=on-failure\nRestartSec=5\n";
constexpr std::string_view kAfterCulvert =
    "\n[Unit]\nAfter=culvert.service\nStartLimitIntervalSec=0\n";

constexpr auto kNames = std::to_array<std::string_view>({"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"});

void add_rival(Plan& plan, std::string rival) {
  if (std::find(plan.rivals.begin(), plan.rivals.end(), rival) != plan.rivals.end()) return;
  plan.notes.push_back(rival);
  plan.rivals.push_back(std::move(rival));
}

/// A later drop-in may take all variables back.
void add_reset(const SetupFacts& facts, const UnitName& unit, const std::string& own, Plan& plan) {
  bool behind = false;
  for (const UnitSetting& setting : read_unit(facts, unit, plan.files).settings) {
    if (setting.key != "Environment") continue;
    behind = behind || setting.path == own;
    if (!behind || !setting.value.empty()) continue;
    add_rival(plan,
              setting.path + " takes all variables back with an empty Environment=: remove it");
  }
}

/// The drop-in does not count if another, an EnvironmentFile= or UnsetEnvironment= has more weight.
void find_rivals(const SetupFacts& facts, const UnitName& unit, Plan& plan) {
  const UnitEnvironment ours = unit_environment(facts, unit, plan.files);
  const std::string& own = plan.files.front().path;
  for (const UnitVariable& gone : ours.removed) {
    if (std::find(kNames.begin(), kNames.end(), gone.name) == kNames.end()) continue;
    add_rival(plan, concat({gone.path, " takes ", gone.name,
                            " away with UnsetEnvironment=: take it out there"}));
  }
  add_reset(facts, unit, own, plan);
  for (const std::string_view name : kNames) {
    const UnitVariable* const variable = ours.find(name);
    if (variable == nullptr || variable->path == own) continue;
    const bool later =
        variable->path.ends_with(".conf") && variable->path.find("service.d/") != std::string::npos;
    add_rival(plan, concat({variable->path, " sets a proxy, too, and wins, as ",
                            (later ? "its name is later: remove it"
                                   : "it is an EnvironmentFile=: take it out there")}));
  }
}

/// The file is read by the script of another init than systemd, and by Debian's unit.
bool sets_proxy(std::string_view text) {
  for (const std::string& assignment : proxy_settings(SettingForm::variables, text)) {
    if (!assignment.empty()) return true;
  }
  return false;
}

/// A drop-in, in place of the one that earlier versions wrote.
void add_drop_in(const SetupFacts& facts, const UnitName& unit, Neighbours neighbours, Plan& plan,
                 std::string_view more = {}) {
  const std::string folder = drop_in_folder(facts, unit);
  auto earlier = earlier_file(facts, plan.target, folder + "/culvert-proxy.conf");
  plan.files.push_back(
      drop_in(facts, plan.target, folder, neighbours, earlier ? &*earlier : nullptr, more));
  if (earlier) plan.files.push_back(*std::move(earlier));
  for (FileEdit& edit : plan.files) edit.in_home = unit.of_user;
  find_rivals(facts, unit, plan);
}

/// The default list has more than the user would find in a documentation.
void note_near(const SetupFacts& facts, Plan& plan) {
  if (facts.near.empty() || !facts.no_proxy.empty()) return;
  std::string hosts;
  for (const std::string& host : facts.near) hosts += (hosts.empty() ? "" : ", ") + host;
  plan.notes.push_back(hosts +
                       " in NO_PROXY: a cache of `culvert setup cache`, or insecure-registries of "
                       "daemon.json, which are reached without the proxy");
}

Plan unit_plan(const SetupFacts& facts, std::string_view target, std::string_view unit,
               Neighbours neighbours, std::string_view more = {}) {
  Plan plan;
  plan.target = target;
  add_drop_in(facts, {unit, false}, neighbours, plan, more);
  plan.then_run.push_back("systemctl daemon-reload && systemctl restart " + std::string(unit));
  if (neighbours == Neighbours::cluster && facts.no_proxy.empty()) {
    add_note(plan, kClusterNote);
  }
  note_near(facts, plan);
  note_direct_hosts(facts, neighbours, plan);
  return plan;
}

/// dockerd reads it at the start, and its `proxies` win over the environment.
void look_at_daemon_json(const SetupFacts& facts, const std::string& path, Plan& plan) {
  const FoundFile found = find_file(facts.root, path);
  if (!found.problem.empty()) plan.notes.push_back(path + " cannot be read: " + found.problem);
  if (!found.content) return;
  const auto json = Json::parse(*found.content);
  if (!json || !json->is_object()) {
    plan.problems.push_back(path + " is left alone, as it does not parse: " +
                            (json ? "it is no object" : json.error().text) +
                            " - dockerd would not start with it; mend it, and run this again");
    return;
  }
  const Json proxies = json->at("proxies");
  for (const std::string_view name : {"http-proxy", "https-proxy"}) {
    const auto url = proxies.at(name).text();
    if (!url || *url == facts.proxy_url) continue;
    add_rival(plan, path + " has a proxy of its own, which wins since Engine 23.0: take " +
                        "\"proxies\" out of it");
    return;
  }
  const auto direct = proxies.at("no-proxy").text();
  if (!direct || direct->empty() || *direct == no_proxy_for(facts, Neighbours::host)) return;
  add_rival(plan, path + " has a no-proxy of its own, which wins since Engine 23.0: take " +
                      "no-proxy out of it");
}

/// The version that `crio --version` tells, of the machine that runs; empty if there is none.
std::string crio_version(const SetupFacts& facts) {
  if (!facts.is_live() || find_program(facts.root, "crio").empty()) return {};
  std::FILE* const output = popen("timeout 5 crio --version 2>/dev/null", "re");
  if (output == nullptr) return {};
  std::array<char, 256> line{};
  const char* const read = std::fgets(line.data(), line.size(), output);
  pclose(output);
  if (read == nullptr) return {};
  return std::string(
      trim_space(std::string_view(read).substr(std::string_view(read).rfind(' ') + 1)));
}

/// Gave pulls up after 10 s from 1.30 on, and 1.29 by a backport.  1.32.4, and releases of the
/// others since April 2025, do no more.
bool is_impatient_crio(std::string_view version) {
  for (const std::string_view minor : {"1.29.", "1.30.", "1.31."}) {
    if (version.starts_with(minor)) return true;
  }
  return version == "1.32.0" || version == "1.32.1" || version == "1.32.2" || version == "1.32.3";
}

/// Debian's package comes with a registry of one's own that asks for passwords, and starts it.
void note_registry_config(const SetupFacts& facts, Plan& plan) {
  constexpr std::string_view kPath = "/etc/docker/registry/config.yml";
  const std::string text = find_file(facts.root, kPath).content.value_or("");
  bool has_auth = false;
  bool is_cache = false;
  for (const std::string_view line : split(text, '\n')) {
    has_auth = has_auth || line.starts_with("auth:");
    is_cache = is_cache || trim_space(line).starts_with("remoteurl:") ||
               (line.starts_with("proxy:") && line.find("remoteurl") != line.npos);
  }
  if (is_cache) return;
  plan.notes.push_back(
      concat({"a cache needs `proxy: {remoteurl: https://gcr.io}` in ", kPath,
              has_auth ? ", and no `auth:` there, which asks for a password" : ""}));
  plan.notes.emplace_back(
      "Debian's package starts docker-registry on :5000 as soon as it is installed, with a folder "
      "that belongs to its user: a registry that you start yourself needs another port and "
      "rootdirectory");
}

}  // namespace

Plan plan_docker(const SetupFacts& facts) {
  Plan plan = unit_plan(facts, "docker", "docker", Neighbours::host);
  if (wants_daemon_json(facts)) {
    std::vector<FileEdit> unit = std::move(plan.files);
    plan = plan_docker_daemon(facts);
    note_direct_hosts(facts, Neighbours::host, plan);
    for (FileEdit& edit : unit) add_removal(std::move(edit), plan);
    return plan;
  }
  leave_daemon_json(facts, "/etc/docker/daemon.json", plan);
  look_at_daemon_json(facts, "/etc/docker/daemon.json", plan);
  const std::string_view variables = "/etc/default/docker";
  const bool told = read_unit(facts, {"docker"}).found;
  if (!told && sets_proxy(find_file(facts.root, variables).content.value_or(""))) {
    add_rival(plan, concat({variables, " sets a proxy, too, and wins: take it out there"}));
  }
  return plan;
}

Plan plan_docker_rootless(const SetupFacts& facts) {
  Plan plan;
  plan.target = "docker-rootless";
  add_drop_in(facts, {"docker", true}, Neighbours::host, plan);
  plan.then_run.emplace_back("systemctl --user daemon-reload && systemctl --user restart docker");
  look_at_daemon_json(facts, facts.user.config_home() + "/docker/daemon.json", plan);
  note_direct_hosts(facts, Neighbours::host, plan);
  if (is_loopback_url(facts.proxy_url)) {
    add_note(
        plan,
        "rootless docker has a network of its own, in which 127.0.0.1 is not this machine: "
        "`systemctl --user edit docker` with "
        "Environment=DOCKERD_ROOTLESS_ROOTLESSKIT_FLAGS=--disable-host-loopback=false under "
        "[Service], and here --listen 10.0.2.2:PORT with culvert's port (of slirp4netns; vpnkit "
        "has 192.168.65.2)");
  }
  return plan;
}

Plan plan_containerd(const SetupFacts& facts) {
  Plan plan = unit_plan(facts, "containerd", "containerd", Neighbours::cluster);
  add_note(
      plan,
      "it is for what containerd pulls itself (Kubernetes, docker's containerd store has "
      "dockerd's); "
      "`ctr` and `nerdctl` take the proxy of their own shell: culvert run -- ctr images pull ...");
  return plan;
}

Plan plan_crio(const SetupFacts& facts) {
  Plan plan = unit_plan(facts, "crio", "crio", Neighbours::cluster);
  const std::string version = crio_version(facts);
  const bool live = facts.is_live() && !version.empty();
  if (live && !is_impatient_crio(version)) return plan;
  plan.notes.push_back(
      (live ? "this CRI-O, " + version + ","
            : std::string("CRI-O 1.32.0 to 1.32.3, and 1.29 to 1.31 as of early 2025,")) +
      " gives a pull up after 10 s without progress, sooner than culvert holds one for a tunnel "
      "that "
      "comes back; so in /etc/crio/crio.conf.d/10-culvert.conf: [crio.image] and, in the next "
      "line, "
      "pull_progress_timeout = \"0s\"");
  return plan;
}

Plan plan_buildkit(const SetupFacts& facts) {
  Plan plan = unit_plan(facts, "buildkit", "buildkit", Neighbours::host);
  const auto option = [](std::string_view name, std::string_view value) {
    // Read as one line of CSV.
    std::string field = "\"env." + std::string(name) + "=" + std::string(value) + "\"";
    return " --driver-opt " + quote_shell(field);
  };
  const std::string url = url_for_containers(facts);
  plan.notes.push_back(
      "for `docker buildx` with a builder in a container: docker buildx create --use" +
      std::string(is_loopback_url(url) ? " --driver-opt network=host" : "") +
      option("HTTP_PROXY", url) + option("HTTPS_PROXY", url) +
      option("NO_PROXY", no_proxy_for(facts, Neighbours::host)));
  add_note(plan, "buildx fetches tokens in the shell that calls it: culvert setup shell");
  return plan;
}

Plan plan_k3s(const SetupFacts& facts) {
  Plan plan;
  plan.target = "k3s";
  std::string body;
  const auto set = [&](std::string_view name, std::string_view value) {
    body.append("CONTAINERD_").append(name).append("=").append(quote_environment_file(value)) +=
        '\n';
  };
  set("HTTP_PROXY", facts.proxy_url);
  set("HTTPS_PROXY", facts.proxy_url);
  set("NO_PROXY", no_proxy_for(facts, Neighbours::cluster));
  const std::string units = "/etc/systemd/system/";
  const bool agent = exists(facts.root, units + "k3s-agent.service");
  for (const std::string_view unit : {"k3s", "k3s-agent"}) {
    const bool wanted = unit == "k3s" ? !agent || exists(facts.root, units + "k3s.service") : agent;
    const std::string name(unit);
    FileEdit edit = own_block(facts, plan.target, units + name + ".service.env", body);
    if (!wanted) {
      add_removal(std::move(edit), plan);
      continue;
    }
    plan.files.push_back(std::move(edit));
    plan.files.back().mode = 0600;
    plan.then_run.push_back("systemctl restart " + name);
  }
  add_note(plan,
           "only image pulls go through the proxy, not the traffic of the cluster; k3s' installer "
           "writes "
           "the file anew: run this again after it");
  if (facts.no_proxy.empty()) add_note(plan, kClusterNote);
  note_direct_hosts(facts, Neighbours::cluster, plan);
  note_rivals(facts, plan);
  return plan;
}

/// A cache ends if it cannot reach its registry when it starts, and Debian's unit leaves it at
/// that.
Plan plan_registry(const SetupFacts& facts) {
  const UnitName unit{"docker-registry"};
  const std::string own = drop_in_folder(facts, unit) + "/zz-culvert.conf";
  const auto settings = read_unit(facts, unit).settings;
  const bool restarts = std::any_of(settings.begin(), settings.end(), [&](const UnitSetting& one) {
    return one.key == "Restart" && one.path != own;
  });
  const std::string more = concat({restarts ? "" : kRestarts, kAfterCulvert});
  Plan plan = unit_plan(facts, "registry", unit.name, Neighbours::host, more);
  note_registry_config(facts, plan);
  return plan;
}

}  // namespace culvert
