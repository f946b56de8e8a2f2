#include "setup/earlier_places.h"

#include "setup/apply.h"
#include "support/catch.h"
#include "temporary_root.h"

namespace culvert {
namespace {

/// Installs for `user`, and gives what --uninstall makes of it that knows another.
Applied uninstall_after(const TemporaryRoot& root, const SetupUser& user) {
  const TargetPlan& target = *find_setup_target("docker-client");
  SetupFacts facts = root.facts();
  facts.user = user;
  const std::vector<Plan> installed{target.plan(facts)};
  CHECK(apply(facts, installed, SetupWay::install).changed);
  facts.user = root.facts().user;
  facts.user.docker_folder = "/elsewhere";
  std::vector<Plan> plans{target.plan(facts)};
  const std::vector<SetupUser> users{root.facts().user, {"/old", ::geteuid(), ::getegid(), "", ""}};
  add_earlier_places(facts, target, users, plans[0]);
  return apply(facts, plans, SetupWay::uninstall);
}

TEST_CASE("what is installed elsewhere is found there") {
  const TemporaryRoot root;
  const auto before = root.everything();
  for (const SetupUser& user :
       {root.facts().user, SetupUser{"/old", ::geteuid(), ::getegid(), "", ""},
        SetupUser{"/root", ::geteuid(), ::getegid(), "", "/elsewhere"}}) {
    INFO(user.docker_config());
    const Applied undone = uninstall_after(root, user);
    CHECK(undone.problems.empty());
    CHECK(undone.changed);
    CHECK(root.everything() == before);
  }
}

TEST_CASE("where nothing is installed, all places are told") {
  const TemporaryRoot root;
  const SetupFacts facts = root.facts();
  const TargetPlan& target = *find_setup_target("docker-client");
  std::vector<Plan> plans{target.plan(facts)};
  const std::vector<SetupUser> users{{"/old", 0, 0, "", ""}, {"/old", 0, 0, "", "/docker"}};
  add_earlier_places(facts, target, users, plans[0]);
  CHECK(apply(facts, plans, SetupWay::uninstall).lines ==
        std::vector<std::string>{"not installed: /root/.docker/config.json",
                                 "not installed: /old/.docker/config.json",
                                 "not installed: /docker/config.json"});
}

TEST_CASE("without their variables, users have their usual folders") {
  SetupFacts facts;
  facts.root = "/nonexistent";
  facts.user = {"/home/a", 1, 1, "/c", "/d"};
  const auto users = earlier_users(facts);
  REQUIRE(users.size() == 1);
  CHECK(users[0].docker_config() == "/home/a/.docker");
  CHECK(users[0].config_home() == "/home/a/.config");
  facts.user.config_folder = facts.user.docker_folder = "";
  CHECK(earlier_users(facts).empty());
}

}  // namespace
}  // namespace culvert
