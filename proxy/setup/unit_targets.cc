#include "setup/unit_targets.h"

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "setup/bridge.h"
#include "setup/docker_json.h"
#include "setup/own_text.h"
#include "setup/quote.h"
#include "setup/root.h"
#include "setup/variables.h"

namespace culvert {
namespace {

constexpr std::string_view kClusterNote =
    "hosts inside the cluster, and private addresses, are reached without the proxy; give others "
    "with --no-proxy";

/// A line of `text` sets one of the variables that the drop-in sets.
bool sets_proxy(std::string_view text) {
  for (const std::string_view raw : split(text, '\n')) {
    const std::string_view line = trim_space(raw);
    if (!line.starts_with('#') && !line.starts_with(';') &&
        line.find("_PROXY=") != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

/// systemd takes the last of several: by the names of the drop-ins, then from EnvironmentFile=.
void note_rivals(const SetupFacts& facts, const std::string& folder, Plan& plan) {
  for (const std::string& name : names_in(facts.root, folder)) {
    std::string path = folder;
    path.append("/").append(name);
    if (!name.ends_with(".conf") || name <= "culvert-proxy.conf") continue;
    if (sets_proxy(find_file(facts.root, path).content.value_or(""))) {
      plan.notes.push_back(path + " sets a proxy, too, and wins, as its name is later: remove it");
    }
  }
}

Plan unit_plan(const SetupFacts& facts, std::string_view target, std::string_view unit,
               Neighbours neighbours) {
  Plan plan;
  plan.target = target;
  const std::string folder = "/etc/systemd/system/" + std::string(unit) + ".service.d";
  plan.files.push_back(drop_in(facts, target, folder, neighbours));
  plan.then_run.push_back("systemctl daemon-reload && systemctl restart " + std::string(unit));
  note_rivals(facts, folder, plan);
  if (neighbours == Neighbours::cluster && facts.no_proxy.empty()) {
    add_note(plan, kClusterNote);
  }
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
    plan.notes.push_back(path + " has a proxy of its own, which wins since Engine 23.0: take " +
                         "\"proxies\" out of it");
    return;
  }
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

}  // namespace

Plan plan_docker(const SetupFacts& facts) {
  Plan plan = unit_plan(facts, "docker", "docker", Neighbours::host);
  if (wants_daemon_json(facts)) {
    FileEdit unit = std::move(plan.files.front());
    plan = plan_docker_daemon(facts);
    unit.with = unit.without;
    if (unit.before != unit.without) plan.files.push_back(std::move(unit));
    return plan;
  }
  leave_daemon_json(facts, "/etc/docker/daemon.json", plan);
  look_at_daemon_json(facts, "/etc/docker/daemon.json", plan);
  if (sets_proxy(find_file(facts.root, "/etc/default/docker").content.value_or(""))) {
    add_note(plan, "/etc/default/docker sets a proxy, too, and wins: take it out there");
  }
  return plan;
}

Plan plan_docker_rootless(const SetupFacts& facts) {
  Plan plan;
  plan.target = "docker-rootless";
  const std::string config = facts.user.home + "/.config";
  const std::string folder = config + "/systemd/user/docker.service.d";
  FileEdit edit = drop_in(facts, plan.target, folder, Neighbours::host);
  edit.in_home = true;
  plan.files.push_back(std::move(edit));
  plan.then_run.emplace_back("systemctl --user daemon-reload && systemctl --user restart docker");
  note_rivals(facts, folder, plan);
  look_at_daemon_json(facts, config + "/docker/daemon.json", plan);
  if (is_loopback_url(facts.proxy_url)) {
    add_note(
        plan,
        "rootless docker has a network of its own, in which 127.0.0.1 is not this machine: since "
        "Engine 26.0 `systemctl --user edit docker` with "
        "Environment=DOCKERD_ROOTLESS_ROOTLESSKIT_DISABLE_HOST_LOOPBACK=false under [Service], and "
        "here --listen 10.0.2.2:PORT with culvert's port");
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
  const bool impatient =
      version == "1.32.0" || version == "1.32.1" || version == "1.32.2" || version == "1.32.3";
  if (live && !impatient) return plan;
  plan.notes.push_back(
      (live ? "this CRI-O, " + version + "," : std::string("CRI-O 1.32.0 to 1.32.3")) +
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
    if (!wanted) continue;
    const std::string name(unit);
    plan.files.push_back(own_block(facts, plan.target, units + name + ".service.env", body));
    plan.files.back().mode = 0600;
    plan.then_run.push_back("systemctl restart " + name);
  }
  add_note(plan,
           "only image pulls go through the proxy, not the traffic of the cluster; k3s' installer "
           "writes "
           "the file anew: run this again after it");
  if (facts.no_proxy.empty()) add_note(plan, kClusterNote);
  return plan;
}

Plan plan_registry(const SetupFacts& facts) {
  return unit_plan(facts, "registry", "docker-registry", Neighbours::host);
}

}  // namespace culvert
