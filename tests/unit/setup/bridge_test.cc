#include "setup/bridge.h"

#include <algorithm>

#include "given_listeners.h"
#include "setup/docker_json.h"
#include "setup/program_targets.h"
#include "setup/systemd_target.h"
#include "setup/unit_targets.h"
#include "temporary_root.h"

namespace culvert {
namespace {

TEST_CASE("a URL of this machine alone is told from one of a name that looks like it") {
  CHECK(is_loopback_url("http://127.0.0.1:3128"));
  CHECK(is_loopback_url("http://[::1]:3128"));
  CHECK(is_loopback_url("http://localhost:3128"));
  CHECK_FALSE(is_loopback_url("http://127.example:3128"));
  CHECK_FALSE(is_loopback_url("http://172.17.0.1:3128"));
  CHECK_FALSE(is_loopback_url(""));
}

TEST_CASE("the clients behind a bridge are Docker's networks, and its own") {
  SetupFacts facts;
  facts.bridge = "172.17.0.1";
  CHECK(address_for_containers(facts) == "172.17.0.1:3128");
  CHECK(url_for_containers(facts) == "http://172.17.0.1:3128");
  CHECK(clients_behind_bridge(facts) == "172.16.0.0/12");
  facts.bridge = "10.200.3.1";
  CHECK(clients_behind_bridge(facts) == "172.16.0.0/12,10.200.3.0/24");
}

TEST_CASE("containers do not get a plain URL where culvert speaks TLS alone") {
  SetupFacts facts;
  facts.root = "/nonexistent";
  facts.bridge = "172.17.0.1";
  facts.proxy_url = "https://127.0.0.1:3129";
  CHECK(url_for_containers(facts) == "https://127.0.0.1:3129");
  for (const auto plan_of : {plan_docker_client, plan_podman}) {
    const Plan plan = plan_of(facts);
    REQUIRE(plan.problems.size() == 1);
    CHECK(plan.problems[0].find("--listen https://172.17.0.1:3129?") != std::string::npos);
  }
  facts.container_url = "https://172.17.0.1:3129";
  CHECK(plan_docker_client(facts).problems.empty());
  CHECK(plan_docker_client(facts).files.at(0).with->find("https://172.17.0.1:3129") !=
        std::string::npos);
}

TEST_CASE("the service listens at the bridge, too, for its clients") {
  SetupFacts facts;
  facts.root = "/nonexistent";
  facts.bridge = "172.17.0.1";
  facts.listeners = given_listeners({"127.0.0.1:8080"});
  facts.service = {{"allow-client", {"192.0.2.0/24"}}};
  const Plan plan = plan_systemd(facts);
  CHECK(plan.files.at(0).with->find("\"172.16.0.0/12\"") != std::string::npos);
  CHECK(plan.files.at(0).with->find("\"192.0.2.0/24\"") != std::string::npos);
  CHECK(plan.files.at(2).with->find(
            "ListenStream=127.0.0.1:8080\n# --bridge 172.17.0.1\nListenStream=172.17.0.1:8080\n"
            "FreeBind=yes\n") != std::string::npos);
  facts.listeners = given_listeners({"0.0.0.0:8080"});
  CHECK(plan_systemd(facts).files.at(2).with->find("FreeBind") == std::string::npos);
}

TEST_CASE("the bridge of an earlier service is kept, unless the listeners speak TLS alone now") {
  SetupFacts facts;
  facts.root = "/nonexistent";
  facts.service = {{"allow-client", {"192.0.2.0/24", "172.16.0.0/12"}}};
  facts.listeners = given_listeners({"127.0.0.1:1", "https://10.0.0.5:2?cert=/etc/c.pem"});
  keep_bridge("172.17.0.1", true, facts);
  CHECK(facts.bridge == "172.17.0.1");
  CHECK(facts.service.at(0).second.size() == 2);

  facts.listeners = given_listeners({"https://127.0.0.1:3129?cert=/etc/c.pem", "unix:/run/c.sock"});
  facts.proxy_url = "https://127.0.0.1:3129";
  keep_bridge("172.17.0.1", false, facts);
  CHECK(facts.service.at(0).second.size() == 2);
  keep_bridge("172.17.0.1", true, facts);
  CHECK(facts.bridge.empty());
  CHECK(facts.service.at(0).second == std::vector<std::string>{"192.0.2.0/24"});
  const Plan plan = plan_systemd(facts);
  CHECK(plan.problems.empty());
  CHECK(std::find(plan.notes.begin(), plan.notes.end(),
                  "the plain listener that --bridge added at 172.17.0.1 is left out, as all others "
                  "speak TLS alone; containers use one at --listen "
                  "https://172.17.0.1:3129?cert=...&key=...") != plan.notes.end());

  facts.service = {{"allow-client", {"172.16.0.0/12"}}};
  facts.container_url = "https://10.0.0.5:3129";
  keep_bridge("172.17.0.1", true, facts);
  CHECK(facts.service.empty());
  CHECK(facts.bridge_note.ends_with("; containers use https://10.0.0.5:3129"));
}

TEST_CASE("the command for the service has the root, and the port where none is installed") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  facts.bridge = "172.17.0.1";
  facts.proxy_url = "http://127.0.0.1:4000";
  const auto notes = [&] {
    Plan plan;
    note_containers(facts, plan);
    std::string all;
    for (const std::string& note : plan.notes) all += note;
    return all;
  };
  const std::string command = "culvert setup systemd --bridge --root '" + root.path() + "'";
  CHECK(notes().find(command + " --listen 127.0.0.1:4000 --install,") != std::string::npos);
  root.write("/etc/culvert/culvert.toml", "");
  CHECK(notes().find(command + " --install,") != std::string::npos);
}

TEST_CASE("podman and builders in containers get the bridge's address") {
  SetupFacts facts;
  facts.root = "/nonexistent";
  facts.bridge = "172.17.0.1";
  CHECK(plan_podman(facts).files.at(0).with->find("HTTPS_PROXY=http://172.17.0.1:3128") !=
        std::string::npos);
  std::string notes;
  for (const std::string& note : plan_buildkit(facts).notes) notes += note;
  CHECK(notes.find("env.HTTPS_PROXY=http://172.17.0.1:3128") != std::string::npos);
  CHECK(notes.find("network=host") == std::string::npos);
}

}  // namespace
}  // namespace culvert
