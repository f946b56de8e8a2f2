#include "setup/program_targets.h"

#include <string>

#include "temporary_root.h"

using namespace culvert;
using Catch::Matchers::Contains;

TEST_CASE("root sets programs up for all, a user for himself") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  const auto path = [&](Plan (*plan)(const SetupFacts&)) { return plan(facts).files.front().path; };
  CHECK(path(plan_podman) == "/etc/containers/containers.conf.d/culvert.conf");
  CHECK(path(plan_git) == "/etc/gitconfig");
  CHECK(path(plan_shell) == "/etc/profile.d/culvert.sh");
  CHECK(path(plan_npm) == "/root/.npmrc");
  CHECK(path(plan_apt) == "/etc/apt/apt.conf.d/95culvert");
  facts.for_all_users = false;
  CHECK(path(plan_podman) == "/root/.config/containers/containers.conf.d/culvert.conf");
  CHECK(path(plan_git) == "/root/.config/git/config");
  CHECK(path(plan_shell) == "/root/.profile");
  CHECK(plan_git(facts).files.front().in_home);
  root.write("/root/.gitconfig", "");
  root.write("/root/.bash_profile", "");
  CHECK(path(plan_git) == "/root/.gitconfig");
  CHECK(path(plan_shell) == "/root/.bash_profile");
}

TEST_CASE("fish has a file of its own where there is fish") {
  const TemporaryRoot root;
  CHECK(plan_shell(root.facts()).files.size() == 1);
  root.write("/usr/bin/fish", "");
  REQUIRE(plan_shell(root.facts()).files.size() == 2);
  CHECK(plan_shell(root.facts()).files[1].path == "/etc/fish/conf.d/culvert.fish");
}

TEST_CASE("apt leaves single hosts out, and says what it cannot") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  const std::string text = *plan_apt(facts).files.front().with;
  CHECK_THAT(text, Contains("Acquire::https::Proxy \"http://127.0.0.1:3128\";\n") &&
                       Contains("Acquire::http::Proxy::localhost \"DIRECT\";\n"));
  CHECK(plan_apt(facts).notes.empty());
  facts.no_proxy = "a.example,.b.example,10.0.0.0/8,c:443";
  CHECK_THAT(*plan_apt(facts).files.front().with,
             Contains("Proxy::a.example \"DIRECT\"") && !Contains("b.example"));
  CHECK(plan_apt(facts).notes.front() ==
        "apt can leave out single hosts only, so not .b.example 10.0.0.0/8 c:443");
}

TEST_CASE("npm's new file is for its owner alone, as npm keeps tokens there") {
  const TemporaryRoot root;
  CHECK(plan_npm(root.facts()).files.front().mode == 0600);
  CHECK(plan_npm(root.facts()).files.front().in_home);
}

TEST_CASE("a shell gets the variables in both cases, and Node's switch") {
  const TemporaryRoot root;
  const Plan plan = plan_shell(root.facts());
  for (const char* line :
       {"export HTTP_PROXY='http://127.0.0.1:3128'\n",
        "export HTTPS_PROXY='http://127.0.0.1:3128'\n",
        "export http_proxy='http://127.0.0.1:3128'\n",
        "export https_proxy='http://127.0.0.1:3128'\n",
        "export NO_PROXY='localhost,127.0.0.1,::1'\n",
        "export no_proxy='localhost,127.0.0.1,::1'\n", "export NODE_USE_ENV_PROXY='1'\n"}) {
    CHECK_THAT(*plan.files.front().with, Contains(line));
    CHECK_THAT(plan.to_eval, Contains(line));
  }
}
