#include "setup/program_targets.h"

#include <string>
#include <vector>

#include "setup/apply.h"
#include "setup/show.h"
#include "temporary_root.h"

using namespace culvert;
using Catch::Matchers::Contains;

TEST_CASE("root sets programs up for all, a user for himself") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  const auto path = [&](Plan (*plan)(const SetupFacts&)) { return plan(facts).files.front().path; };
  CHECK(path(plan_podman) == "/etc/containers/containers.conf.d/zz-culvert.conf");
  CHECK(path(plan_git) == "/etc/gitconfig");
  CHECK(path(plan_shell) == "/etc/profile.d/zz-culvert.sh");
  CHECK(path(plan_npm) == "/root/.npmrc");
  CHECK(path(plan_apt) == "/etc/apt/apt.conf.d/zz-culvert");
  facts.for_all_users = false;
  CHECK(path(plan_podman) == "/root/.config/containers/containers.conf.d/zz-culvert.conf");
  CHECK(path(plan_git) == "/root/.config/git/config");
  CHECK(path(plan_shell) == "/root/.profile");
  CHECK(plan_git(facts).files.front().in_home);
  facts.user.config_folder = "/root/conf";
  CHECK(path(plan_podman) == "/root/conf/containers/containers.conf.d/zz-culvert.conf");
  CHECK(path(plan_git) == "/root/conf/git/config");
  facts.user.config_folder.clear();
  root.write("/root/.gitconfig", "");
  root.write("/root/.bash_profile", "");
  CHECK(path(plan_git) == "/root/.gitconfig");
  CHECK(path(plan_shell) == "/root/.bash_profile");
}

TEST_CASE("fish and zsh have files of their own where they are") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  CHECK(plan_shell(facts).files.size() == 1);
  root.write("/usr/bin/fish", "");
  root.write("/usr/bin/zsh", "");
  REQUIRE(plan_shell(facts).files.size() == 3);
  CHECK(plan_shell(facts).files[1].path == "/etc/fish/conf.d/zz-culvert.fish");
  CHECK(plan_shell(facts).files[2].path == "/etc/zprofile");
  root.write("/etc/zsh/zprofile", "# x\n");
  CHECK(plan_shell(facts).files[2].path == "/etc/zsh/zprofile");
  facts.for_all_users = false;
  CHECK(plan_shell(facts).files[1].path == "/root/.config/fish/conf.d/zz-culvert.fish");
  CHECK(plan_shell(facts).files[2].path == "/root/.zprofile");
  CHECK(plan_shell(facts).files[2].in_home);
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
    CHECK_THAT(plan.to_eval.value(), Contains(line));
  }
}

namespace {

std::string notes_of(const Plan& plan) {
  std::string all;
  for (const std::string& note : plan.notes) all += note + "\n";
  return all;
}

void install(const TemporaryRoot& root, Plan (*plan)(const SetupFacts&)) {
  const std::vector<Plan> plans = {plan(root.facts())};
  REQUIRE(apply(root.facts(), plans, SetupWay::install).problems.empty());
}

void uninstall(const TemporaryRoot& root, Plan (*plan)(const SetupFacts&)) {
  const std::vector<Plan> plans = {plan(root.facts())};
  REQUIRE(apply(root.facts(), plans, SetupWay::uninstall).problems.empty());
}

}  // namespace

TEST_CASE("podman keeps the variables that other files give it") {
  const TemporaryRoot root;
  root.write("/etc/containers/containers.conf", "[engine]\nenv = [\"A=1\"]\n");
  root.write("/etc/containers/containers.conf.d/my.conf",
             "[engine]\nenv = [\"TMPDIR=/x\", 'B=\"', \"HTTPS_PROXY=http://old\"]\n");
  const Plan plan = plan_podman(root.facts());
  CHECK_THAT(*plan.files.front().with, Contains("env = [\n  \"TMPDIR=/x\",\n  \"B=\\\"\",\n  "
                                                "\"HTTP_PROXY=http://127.0.0.1:3128\",\n") &&
                                           !Contains("//old") && !Contains("A=1"));
  CHECK_THAT(notes_of(plan), Contains("run this again when you change them"));
}

TEST_CASE("what podman's file repeats is no more public than it was") {
  const TemporaryRoot root;
  const std::string path = "/etc/containers/containers.conf";
  root.write(path, "[engine]\nenv = [\"API_TOKEN=hush\"]\n");
  CHECK(plan_podman(root.facts()).files.front().mode == 0644);
  CHECK_THAT(show_plan(root.facts(), plan_podman(root.facts())), !Contains("hush"));
  root.write(path, "[engine]\nenv = [\"API_TOKEN=hush\"]\n", 0600);
  CHECK(plan_podman(root.facts()).files.front().mode == 0600);
  root.write(path, "", 0600);
  CHECK(plan_podman(root.facts()).files.front().mode == 0644);
}

TEST_CASE("a list that takes the place of podman's is told") {
  const TemporaryRoot root;
  CHECK_THAT(notes_of(plan_podman(root.facts())), !Contains(".config") && !Contains("repeats"));
  root.write("/root/.config/containers/containers.conf", "[engine]\nenv = [\"A=1\"]\n");
  CHECK_THAT(notes_of(plan_podman(root.facts())),
             Contains("/root/.config/containers/containers.conf has a list `env` of its own"));
  root.write("/etc/containers/containers.conf.d/zzz.conf", "[engine]\nenv = [\"A=1\"]\n");
  CHECK_THAT(notes_of(plan_podman(root.facts())),
             Contains("/etc/containers/containers.conf.d/zzz.conf is read later"));
}

TEST_CASE("apt's file is read behind those of others, and tells of those that are read later") {
  const TemporaryRoot root;
  const std::string folder = "/etc/apt/apt.conf.d/";
  root.write(folder + "proxy.conf", "Acquire { http { Proxy \"http://a:1\"; }; };\n");
  CHECK(plan_apt(root.facts()).notes.empty());
  root.write("/etc/apt/apt.conf", "Acquire::https::Proxy \"http://b:1\";\n");
  CHECK_THAT(notes_of(plan_apt(root.facts())), Contains("/etc/apt/apt.conf is read later"));
  root.write("/etc/apt/apt.conf", "Acquire::http::Proxy::deb.example \"http://b:1\";\n");
  CHECK(notes_of(plan_apt(root.facts())) ==
        "/etc/apt/apt.conf has a proxy of its own for deb.example\n");
}

TEST_CASE("a command that apt would ask for its proxy is switched off") {
  const TemporaryRoot root;
  root.write("/etc/apt/apt.conf.d/auto-apt-proxy.conf",
             "Acquire::http::Proxy-Auto-Detect \"/usr/bin/auto-apt-proxy\";\n");
  const Plan plan = plan_apt(root.facts());
  CHECK_THAT(*plan.files.front().with, Contains("\n#clear Acquire::http::Proxy-Auto-Detect;\n"));
  CHECK_THAT(notes_of(plan), Contains("is switched off") && !Contains("asks a command"));
}

TEST_CASE("git tells of proxies that are not ours") {
  const TemporaryRoot root;
  root.write("/etc/gitconfig", "[http \"https://h.example\"]\n\tproxy = http://x:1\n");
  CHECK_THAT(
      notes_of(plan_git(root.facts())),
      Contains("/etc/gitconfig has a proxy of its own for https://h.example") && !Contains("wins"));
  root.write("/root/.gitconfig", "[http] proxy = http://x:1\n");
  CHECK_THAT(notes_of(plan_git(root.facts())), Contains("/root/.gitconfig is read later"));
}

TEST_CASE("what git config has written into our lines stays") {
  const TemporaryRoot root;
  root.write("/etc/gitconfig", "[user]\n\tname = x");
  install(root, plan_git);
  std::string text = *root.read("/etc/gitconfig");
  const std::size_t end = text.find("# End:");
  REQUIRE(end != std::string::npos);
  root.write("/etc/gitconfig", text.insert(end, "\tsslVerify = false\n"));
  install(root, plan_git);
  CHECK_THAT(*root.read("/etc/gitconfig"), Contains("[http]\n\tsslVerify = false\n# Begin"));
  uninstall(root, plan_git);
  CHECK(*root.read("/etc/gitconfig") == "[user]\n\tname = x\n[http]\n\tsslVerify = false\n");
}

TEST_CASE("npm's settings stand before the first section, where npm finds them") {
  const TemporaryRoot root;
  const std::string before = "a=1\n[section]\nb=2\n";
  root.write("/root/.npmrc", before);
  install(root, plan_npm);
  const std::string text = *root.read("/root/.npmrc");
  CHECK(text.find("https-proxy=") < text.find("[section]"));
  CHECK(text.ends_with("\n[section]\nb=2\n"));
  install(root, plan_npm);
  CHECK(*root.read("/root/.npmrc") == text);
  uninstall(root, plan_npm);
  CHECK(*root.read("/root/.npmrc") == before);
}

TEST_CASE("settings that npm has written anew, without our marks, go too") {
  const TemporaryRoot root;
  const std::string ours =
      "proxy=http://127.0.0.1:3128\nhttps-proxy=http://127.0.0.1:3128\n"
      "noproxy=localhost,127.0.0.1,::1\n";
  root.write("/root/.npmrc", "a=1\n" + ours + "registry=x\n");
  uninstall(root, plan_npm);
  CHECK(*root.read("/root/.npmrc") == "a=1\nregistry=x\n");
  // As npm 9 writes them.
  root.write("/root/.npmrc",
             "a=1\nproxy=http://127.0.0.1:3128/\nhttps-proxy=http://127.0.0.1:3128/\n"
             "noproxy[]=localhost,127.0.0.1,::1\n");
  uninstall(root, plan_npm);
  CHECK(*root.read("/root/.npmrc") == "a=1\n");
  root.write("/root/.npmrc", "proxy=http://127.0.0.1:3128\n");
  uninstall(root, plan_npm);
  CHECK(*root.read("/root/.npmrc") == "proxy=http://127.0.0.1:3128\n");
  root.write("/root/.npmrc", ours);
  uninstall(root, plan_npm);
  CHECK_FALSE(root.read("/root/.npmrc"));
}

TEST_CASE("settings without our marks that may be ours are not left without a word") {
  const auto obstacle = [](const std::string& proxy, const std::string& more) {
    const TemporaryRoot root;
    root.write("/root/.npmrc", "proxy=" + proxy + "\nhttps-proxy=" + proxy + "\n" + more);
    return plan_npm(root.facts()).files.front().cannot_uninstall;
  };
  CHECK_FALSE(obstacle("http://127.0.0.1:3999", "noproxy=a\n").empty());
  CHECK_FALSE(obstacle("http://10.0.0.1:1", "noproxy=localhost,127.0.0.1,::1\n").empty());
  CHECK(obstacle("http://corp:8080", "noproxy=a\n").empty());
  CHECK(obstacle("http://127.0.0.1:3999", "").empty());
  const TemporaryRoot root;
  install(root, plan_npm);
  CHECK(plan_npm(root.facts()).files.front().cannot_uninstall.empty());
}

TEST_CASE("a shell's file that is read later is told") {
  const TemporaryRoot root;
  root.write("/etc/profile.d/proxy.sh", "export https_proxy=http://x:1 HTTPS_PROXY=http://x:1\n");
  CHECK_THAT(notes_of(plan_shell(root.facts())), !Contains("wins"));
  root.write("/root/.bashrc", "export HTTPS_PROXY=http://x:1\n");
  CHECK_THAT(notes_of(plan_shell(root.facts())), Contains("/root/.bashrc is read later"));
}
