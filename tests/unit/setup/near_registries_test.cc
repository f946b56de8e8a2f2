#include "setup/near_registries.h"

#include <string>
#include <vector>

#include "setup/apply.h"
#include "setup/cache_target.h"
#include "setup/unit_targets.h"
#include "setup/variables.h"
#include "temporary_root.h"

using namespace culvert;
using Catch::Matchers::Contains;
using Hosts = std::vector<std::string>;

namespace {

constexpr const char* kDaemonJson = "/etc/docker/daemon.json";

void install_cache(const TemporaryRoot& root, const std::string& cache) {
  SetupFacts facts = root.facts();
  facts.cache = cache;
  facts.registries = {"gcr.io", "quay.io"};
  REQUIRE(apply(facts, std::vector<Plan>{plan_cache(facts)}, SetupWay::install).problems.empty());
}

}  // namespace

TEST_CASE("the registries of a machine are its caches and docker's insecure ones, each once") {
  const TemporaryRoot root;
  CHECK(near_registries(root.facts()).empty());
  root.write(kDaemonJson,
             "{\"insecure-registries\": [\"192.168.1.5:5000\", \"nas\", \"10.0.0.0/8\", 5, \"\", "
             "\"127.0.0.1:5000\", \"[fd00::5]:5000\", \"a b\", \"x/y\", \"0.0.0.0/0\", "
             "\"gcr.io\", \"registry.example:5000\", \"10.0.0.1/8\", \"nas/8\", \"fd00::/8\"]}");
  CHECK(near_registries(root.facts()) == Hosts{"192.168.1.5", "nas", "10.0.0.0/8", "fd00::5"});
  install_cache(root, "192.168.1.5:5000");
  CHECK(near_registries(root.facts()) == Hosts{"192.168.1.5", "nas", "10.0.0.0/8", "fd00::5"});
  install_cache(root, "cache.lan:443");
  CHECK(near_registries(root.facts()).front() == "cache.lan");
  SetupFacts facts = root.facts();
  facts.cache = "other.lan:5000";
  CHECK(near_registries(facts).front() == "other.lan");
}

TEST_CASE("what is no JSON, and a file of somebody else, tell no registry") {
  const TemporaryRoot root;
  root.write(kDaemonJson, "{\"insecure-registries\": [\"nas\"");
  root.write("/etc/docker/certs.d/quay.io/hosts.toml", "\n[host.\"http://a.lan:5000\"]\n");
  CHECK(near_registries(root.facts()).empty());
}

TEST_CASE("they are in NO_PROXY unless that is given, and a note says so") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  facts.near = {"192.168.1.5", "nas"};
  CHECK(no_proxy_for(facts, Neighbours::host) == "localhost,127.0.0.1,::1,192.168.1.5,nas");
  const Plan docker = plan_docker(facts);
  CHECK_THAT(*docker.files[0].with, Contains("::1,192.168.1.5,nas\"\n"));
  REQUIRE(docker.notes.size() == 1);
  CHECK_THAT(docker.notes[0], Contains("192.168.1.5, nas in NO_PROXY:"));
  facts.no_proxy = "localhost";
  CHECK(no_proxy_for(facts, Neighbours::host) == "localhost");
  CHECK(plan_docker(facts).notes.empty());
}
