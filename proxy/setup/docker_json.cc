#include "setup/docker_json.h"

#include <string_view>
#include <utility>

#include "base/text.h"
#include "setup/bridge.h"
#include "setup/docker_engine.h"
#include "setup/earlier_file.h"
#include "setup/json_edit.h"
#include "setup/json_record.h"
#include "setup/own_text.h"
#include "setup/rivals.h"
#include "setup/root.h"
#include "setup/variables.h"

namespace culvert {
namespace {

constexpr std::string_view kDaemonJson = "/etc/docker/daemon.json";

/// The first of Docker Engine that has `proxies` in daemon.json.
constexpr int kFirstWithProxies = 23;

/// By its files, as an image has no process.
bool has_systemd(const SetupFacts& facts) {
  return exists(facts.root, "/lib/systemd/systemd") ||
         exists(facts.root, "/usr/lib/systemd/systemd");
}

/// There is no unit to give variables to, but a script of another init.
bool has_other_init(const SetupFacts& facts) {
  return !has_systemd(facts) &&
         (exists(facts.root, "/etc/init.d/docker") || exists(facts.root, "/sbin/openrc"));
}

FileEdit json_edit(const SetupFacts& facts, std::string path, const JsonAddition& addition) {
  FileEdit edit;
  FoundFile found = find_file(facts.root, path);
  edit.path = std::move(path);
  edit.before = std::move(found.content);
  if (!found.problem.empty()) {
    edit.cannot_install = edit.cannot_uninstall = found.problem;
    return edit;
  }
  JsonEdit json = edit_json(edit.before, addition);
  edit.with = std::move(json.with);
  edit.without = std::move(json.without);
  edit.our_folders = json.our_folders;
  edit.cannot_install = json.conflict;
  edit.cannot_uninstall = json.changed_by_hand;
  if (!json.unreadable.empty()) {
    edit.cannot_install = edit.cannot_uninstall =
        json.unreadable + " - it is left alone, as it is no JSON: mend it, and run this again";
  }
  return edit;
}

/// The file, and the record of what is ours in it.
void add_json(const SetupFacts& facts, std::string path, JsonAddition addition, bool in_home,
              Plan& plan) {
  addition.new_folders = missing_folders(facts, path);
  read_json_record(facts, path, addition);
  FileEdit edit = json_edit(facts, std::move(path), addition);
  edit.in_home = in_home;
  // docker's client keeps its passwords there.
  if (in_home) edit.mode = 0600;
  FileEdit record = json_record(facts, plan.target, edit, addition);
  const bool stays = !edit.cannot_uninstall.empty();
  plan.files.push_back(std::move(edit));
  if (!stays) plan.files.push_back(std::move(record));
}

void add_daemon_json(const SetupFacts& facts, const std::string& path, Plan& plan) {
  add_json(facts, path,
           {.path = {"proxies"},
            .members = {{"http-proxy", facts.proxy_url},
                        {"https-proxy", facts.proxy_url},
                        {"no-proxy", no_proxy_for(facts, Neighbours::host)}}},
           false, plan);
}

}  // namespace

Plan plan_docker_client(const SetupFacts& facts) {
  Plan plan;
  plan.target = "docker-client";
  const std::string url = url_for_containers(facts);
  add_json(facts, facts.user.docker_config() + "/config.json",
           {.path = {"proxies", "default"},
            .members = {{"httpProxy", url},
                        {"httpsProxy", url},
                        {"noProxy", no_proxy_for(facts, Neighbours::host)}}},
           true, plan);
  plan.notes.emplace_back(
      "docker gives it to builds and to containers that are made from now on; nothing has to be "
      "restarted, and `docker pull` does not use it: culvert setup docker");
  note_containers(facts, plan);
  note_rivals(facts, plan);
  return plan;
}

void leave_daemon_json(const SetupFacts& facts, const std::string& path, Plan& plan) {
  Plan daemon;
  daemon.target = plan.target;
  add_daemon_json(facts, path, daemon);
  for (FileEdit& edit : daemon.files) add_removal(std::move(edit), plan);
}

Plan plan_docker_daemon(const SetupFacts& facts) {
  Plan plan;
  plan.target = "docker";
  add_daemon_json(facts, std::string(kDaemonJson), plan);
  const std::string version = docker_engine_version(facts);
  const int major = major_version(version);
  if (major != 0 && major < kFirstWithProxies) {
    plan.problems.push_back(
        concat({"this is Docker Engine ", version, ", which does not start with ",
                "\"proxies\" in daemon.json (23.0 or newer does): culvert setup docker"}));
  }
  if (major == 0) {
    plan.notes.emplace_back(
        "it takes Docker Engine 23.0 or newer, and which one is here could not be told: an older "
        "one does not start with it");
  }
  plan.then_run.emplace_back(has_systemd(facts) ? "systemctl restart docker"
                                                : "service docker restart");
  plan.notes.emplace_back(
      "dockerd reads its proxy at the start only; this one wins over the "
      "environment of its unit");
  return plan;
}

bool wants_daemon_json(const SetupFacts& facts) {
  if (facts.daemon_json) return true;
  if (!has_other_init(facts)) return false;
  const int major = major_version(docker_engine_version(facts));
  return major == 0 || major >= kFirstWithProxies;
}

}  // namespace culvert
