#include "setup/cache_target.h"

#include "setup/apply.h"
#include "support/catch.h"
#include "temporary_root.h"

namespace culvert {
namespace {

SetupFacts cache_facts(const TemporaryRoot& root, std::vector<std::string> registries,
                       std::string cache = "127.0.0.1:5000") {
  SetupFacts facts = root.facts();
  facts.cache = std::move(cache);
  facts.registries = std::move(registries);
  return facts;
}

std::string behind_first_line(const std::string& text) { return text.substr(text.find('\n') + 1); }

std::string notes_of(const Plan& plan) {
  std::string all;
  for (const std::string& note : plan.notes) all += note + "\n";
  return all;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("hosts.toml is written for Docker and containerd, and goes again") {
  const TemporaryRoot root;
  root.write("/etc/docker/certs.d/quay.io/hosts.toml", "server = \"https://quay.io\"\n");
  const auto before = root.everything();
  const SetupFacts facts = cache_facts(root, {"gcr.io", "index.docker.io", "docker.io"});
  const std::vector<Plan> plans = {plan_cache(facts)};
  CHECK(plans[0].files.size() == 4);
  CHECK(apply(facts, plans, SetupWay::install).problems.empty());
  for (const std::string folder : {"/etc/docker/certs.d", "/etc/containerd/certs.d"}) {
    CHECK(behind_first_line(*root.read(folder + "/gcr.io/hosts.toml")) ==
          "server = \"https://gcr.io\"\n\n[host.\"http://127.0.0.1:5000\"]\n"
          "  capabilities = [\"pull\", \"resolve\"]\n");
    CHECK(has(*root.read(folder + "/docker.io/hosts.toml"),
              "server = \"https://registry-1.docker.io\""));
  }
  const SetupFacts all = cache_facts(root, {}, "");
  CHECK(apply(all, std::vector<Plan>{plan_cache(all)}, SetupWay::uninstall).problems.empty());
  CHECK(root.everything() == before);
}

TEST_CASE("certificates that Docker has for a registry are named in hosts.toml") {
  const TemporaryRoot root;
  root.write("/etc/docker/certs.d/gcr.io/ca.crt", "");
  const Plan plan = plan_cache(cache_facts(root, {"gcr.io"}, "cache.example:443"));
  CHECK(has(*plan.files.at(0).with, "\nca = [\"/etc/docker/certs.d/gcr.io/ca.crt\"]\n"));
  CHECK_FALSE(has(*plan.files.at(1).with, "ca ="));
  CHECK(has(*plan.files.at(0).with, "[host.\"https://cache.example:443\"]"));
}

TEST_CASE("a client's certificates are named with their keys, and the cache's own") {
  const TemporaryRoot root;
  const std::string folder = "/etc/docker/certs.d/gcr.io/";
  for (const char* name : {"a.cert", "a.key", "b.cert", "c.key"}) root.write(folder + name, "");
  root.write("/etc/docker/certs.d/cache.example/ca.crt", "");
  root.write("/etc/docker/certs.d/cache.example:443/ca.crt", "");
  const Plan plan = plan_cache(cache_facts(root, {"gcr.io"}, "cache.example:443"));
  CHECK(behind_first_line(*plan.files.at(0).with) ==
        "server = \"https://gcr.io\"\n"
        "client = [[\"/etc/docker/certs.d/gcr.io/a.cert\", "
        "\"/etc/docker/certs.d/gcr.io/a.key\"]]\n"
        "\n[host.\"https://cache.example:443\"]\n  capabilities = [\"pull\", \"resolve\"]\n"
        "  ca = [\"/etc/docker/certs.d/cache.example:443/ca.crt\"]\n");
  CHECK_FALSE(
      has(*plan_cache(cache_facts(root, {"gcr.io"}, "cache.example:80")).files.at(0).with, "ca ="));
}

TEST_CASE("a folder that is a link to the other one gets one file, and stays a link") {
  for (const std::string target : {"/etc/containerd/certs.d", "../containerd/certs.d"}) {
    const TemporaryRoot root;
    root.write("/etc/containerd/certs.d/_default/hosts.toml", "x");
    root.link("/etc/docker/certs.d", target);
    const auto before = root.everything();
    const SetupFacts facts = cache_facts(root, {"gcr.io"});
    const std::vector<Plan> plans = {plan_cache(facts)};
    CHECK(plans[0].files.size() == 1);
    CHECK(apply(facts, plans, SetupWay::install).problems.empty());
    CHECK(root.read("/etc/containerd/certs.d/gcr.io/hosts.toml"));
    const SetupFacts all = cache_facts(root, {}, "");
    const std::vector<Plan> back = {plan_cache(all)};
    CHECK(back[0].files.size() == 1);
    CHECK(apply(all, back, SetupWay::uninstall).problems.empty());
    CHECK(root.everything() == before);
  }
}

TEST_CASE("who needs something else is told what") {
  const TemporaryRoot root;
  root.write("/var/lib/dpkg/status",
             "Package: docker.io\nStatus: install ok installed\nVersion: 20.10.24-1\n");
  root.write("/etc/containerd/config.toml", "version = 3\n#config_path = x\n");
  std::string notes = notes_of(plan_cache(cache_facts(root, {"gcr.io"}, "192.0.2.1:5000")));
  CHECK(has(notes, "docker pull 192.0.2.1:5000/google_containers/pause:3.1"));
  CHECK(has(notes, "Docker Engine 20.10.24, which does not read it"));
  CHECK(has(notes, "[plugins.'io.containerd.cri.v1.images'.registry]"));
  CHECK(has(notes, "`culvert setup docker --install` has 192.0.2.1 in NO_PROXY"));
  notes = notes_of(plan_cache(cache_facts(root, {"docker.io"})));
  CHECK(has(notes, "\"registry-mirrors\": [\"http://127.0.0.1:5000\"]"));
  root.write("/etc/containerd/config.toml", "  config_path = \"/etc/containerd/certs.d\"\n");
  CHECK_FALSE(has(notes_of(plan_cache(cache_facts(root, {"gcr.io"}))), "config_path"));
}

}  // namespace
}  // namespace culvert
