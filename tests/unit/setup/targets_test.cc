#include "setup/targets.h"

#include <set>
#include <string>

#include "given_listeners.h"
#include "setup/apply.h"
#include "temporary_root.h"

using namespace culvert;

TEST_CASE("each target is known by its name, once") {
  std::set<std::string_view> names;
  for (const TargetPlan& target : setup_targets()) {
    CAPTURE(target.name);
    CHECK(names.insert(target.name).second);
    CHECK(find_setup_target(target.name) == &target);
  }
  CHECK(find_setup_target("none") == nullptr);
}

TEST_CASE("each target is installed, replaced and restored byte for byte") {
  for (const TargetPlan& target : setup_targets()) {
    CAPTURE(target.name);
    const TemporaryRoot root;
    root.write("/etc/gitconfig", "[user]\n\tname = x");
    root.write("/root/.npmrc", "a=b\r\n", 0600);
    root.write("/etc/systemd/system/k3s.service.env", "K3S_TOKEN=x\n", 0600);
    const auto before = root.everything();
    SetupFacts facts = root.facts();
    facts.cache = "127.0.0.1:5000";
    facts.registries = {"gcr.io"};
    const auto apply_again = [&](SetupWay way) {
      const Plan plan = target.plan(facts);
      CHECK(plan.target == target.name);
      return apply(facts, std::span(&plan, 1), way);
    };
    CHECK(apply_again(SetupWay::install).problems.empty());
    const auto with = root.everything();
    CHECK(with != before);
    CHECK_FALSE(apply_again(SetupWay::install).changed);
    facts.proxy_url = "http://127.0.0.2:8080";
    facts.listeners = given_listeners({"127.0.0.2:8080"});
    facts.cache = "127.0.0.2:5000";
    CHECK(apply_again(SetupWay::install).changed);
    CHECK(root.everything() != with);
    CHECK(apply_again(SetupWay::uninstall).problems.empty());
    CHECK(root.everything() == before);
    CHECK_FALSE(apply_again(SetupWay::uninstall).changed);
  }
}
