#include "setup/direct_hosts.h"

#include <algorithm>

#include "setup/apply.h"
#include "setup/check_table.h"
#include "setup/targets.h"
#include "support/catch.h"
#include "temporary_root.h"

namespace culvert {
namespace {

const std::string kLost =
    "registry.intern, 10.1.0.0/16: in NO_PROXY before, and not in the one of culvert setup; to "
    "keep "
    "it, give --no-proxy ";

Plan plan_of(const SetupFacts& facts, std::string_view target) {
  return find_setup_target(target)->plan(facts);
}

bool tells(const Plan& plan) {
  return std::any_of(plan.notes.begin(), plan.notes.end(),
                     [](const std::string& note) { return note.starts_with(kLost); });
}

struct Other {
  std::string target;
  std::string path;
  std::string text;
};

const std::string kUnit =
    "[Service]\nEnvironment=HTTPS_PROXY=http://old:8080 NO_PROXY=Registry.intern,10.1.0.0/16\n";

std::vector<Other> others() {
  return {
      {"docker", "/etc/systemd/system/docker.service.d/old.conf", kUnit},
      {"containerd", "/etc/systemd/system/containerd.service.d/old.conf", kUnit},
      {"docker-rootless", "/root/.config/systemd/user/docker.service.d/old.conf", kUnit},
      {"k3s", "/etc/systemd/system/k3s.service.env", "NO_PROXY=registry.intern,10.1.0.0/16\n"},
      {"podman", "/etc/containers/containers.conf",
       "[engine]\nenv = [\"no_proxy=localhost, registry.intern, 10.1.0.0/16\"]\n"},
      {"npm", "/root/.npmrc", "noproxy=registry.intern,10.1.0.0/16\n"},
      {"shell", "/etc/profile.d/a.sh", "export NO_PROXY=registry.intern,10.1.0.0/16\n"},
  };
}

TEST_CASE("hosts that NO_PROXY leaves out so far are named, with what keeps them") {
  for (const auto& [target, path, text] : others()) {
    CAPTURE(target);
    const TemporaryRoot root;
    SetupFacts facts = root.facts();
    CHECK_FALSE(tells(plan_of(facts, target)));
    root.write(path, text);
    CHECK(tells(plan_of(facts, target)));
    facts.no_proxy = "a";
    CHECK_FALSE(tells(plan_of(facts, target)));
  }
}

TEST_CASE("they are named after the installation, too") {
  for (const auto& [target, path, text] : others()) {
    CAPTURE(target);
    const TemporaryRoot root;
    root.write(path, text);
    SetupFacts facts = root.facts();
    facts.bridge = "172.17.0.1";
    const auto shown = [&, target = target] {
      return check_table(facts, std::vector<std::string>{target}, {}, "").text.find(kLost) !=
             std::string::npos;
    };
    CHECK_FALSE(shown());
    const auto install = [&, target = target] {
      const std::vector<Plan> plans{plan_of(facts, target)};
      CHECK(apply(facts, plans, SetupWay::install).problems.empty());
    };
    install();
    CHECK(tells(plan_of(facts, target)));
    CHECK(shown() == (target != "docker-rootless"));
    facts.no_proxy = "localhost,registry.intern,10.1.0.0/16";
    install();
    facts.no_proxy.clear();
    CHECK_FALSE(shown());
  }
}

TEST_CASE("the list to give has all hosts") {
  const TemporaryRoot root;
  root.write("/root/.npmrc", "noproxy=*,a,localhost\n");
  const std::string lost = direct_hosts_lost(root.facts(), "npm", {}, "localhost,b");
  CHECK(lost.starts_with("a: in NO_PROXY before"));
  CHECK(lost.ends_with("--no-proxy 'localhost,b,a'"));
  CHECK(direct_hosts_lost(root.facts(), "npm", {}, "A, localhost").empty());
  CHECK(direct_hosts_lost(root.facts(), "none", {}, "").empty());
}

}  // namespace
}  // namespace culvert
