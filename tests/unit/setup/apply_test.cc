#include "setup/apply.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "setup/own_text.h"
#include "temporary_root.h"

using namespace culvert;

namespace {

using Lines = std::vector<std::string>;

Plan plan_of(std::vector<FileEdit> files) {
  Plan plan;
  plan.target = "test";
  plan.files = std::move(files);
  return plan;
}

/// One file of our own in new folders, and lines of ours in one of somebody else.
std::vector<Plan> two_files(const TemporaryRoot& root, const std::string& body = "ours\n") {
  return {plan_of({own_file(root.facts(), "test", "/etc/new/folder/own.conf", body),
                   own_block(root.facts(), "test", "/etc/shared", body)})};
}

Applied install(const TemporaryRoot& root, const std::string& body = "ours\n") {
  return apply(root.facts(), two_files(root, body), SetupWay::install);
}

Applied uninstall(const TemporaryRoot& root) {
  return apply(root.facts(), two_files(root), SetupWay::uninstall);
}

}  // namespace

TEST_CASE("uninstalling leaves everything as it was") {
  const TemporaryRoot root;
  root.write("/etc/shared", "theirs", 0640);
  const auto before = root.everything();
  const Applied installed = install(root);
  CHECK(installed.problems.empty());
  CHECK(installed.changed);
  CHECK(installed.lines == Lines{"wrote /etc/new/folder/own.conf", "wrote /etc/shared"});
  CHECK(root.mode("/etc/new/folder") == 0755);
  CHECK(root.mode("/etc/new/folder/own.conf") == 0644);
  CHECK(root.mode("/etc/shared") == 0640);

  const auto with = root.everything();
  const Applied again = install(root);
  CHECK_FALSE(again.changed);
  CHECK(again.lines == Lines{"already so: /etc/new/folder/own.conf", "already so: /etc/shared"});
  CHECK(root.everything() == with);

  CHECK(install(root, "other\n").changed);
  CHECK(root.everything() != with);
  CHECK(install(root).changed);
  CHECK(root.everything() == with);

  const Applied undone = uninstall(root);
  CHECK(undone.problems.empty());
  CHECK(undone.lines == Lines{"removed /etc/new/folder/own.conf", "restored /etc/shared"});
  CHECK(root.everything() == before);

  const Applied nothing = uninstall(root);
  CHECK_FALSE(nothing.changed);
  CHECK(nothing.problems.empty());
  CHECK(nothing.lines ==
        Lines{"not installed: /etc/new/folder/own.conf", "not installed: /etc/shared"});
  CHECK(root.everything() == before);
}

TEST_CASE("a file of our own has the mode that its new content needs") {
  const TemporaryRoot root;
  const auto install_with_mode = [&](mode_t mode, const std::string& body) {
    FileEdit edit = own_file(root.facts(), "test", "/etc/own.conf", body);
    edit.mode = mode;
    const std::vector<Plan> plans = {plan_of({edit})};
    CHECK(apply(root.facts(), plans, SetupWay::install).problems.empty());
    CHECK(root.mode("/etc/own.conf") == mode);
  };
  install_with_mode(0644, "open\n");
  install_with_mode(0600, "password\n");
  install_with_mode(0644, "open\n");
}

TEST_CASE("modes and folders do not depend on the umask") {
  const TemporaryRoot root;
  root.write("/etc/shared", "theirs\n", 0777);
  const mode_t before = ::umask(0077);
  const Applied installed = install(root);
  ::umask(before);
  CHECK(installed.problems.empty());
  CHECK(root.mode("/etc/new") == 0755);
  CHECK(root.mode("/etc/new/folder/own.conf") == 0644);
  CHECK(root.mode("/etc/shared") == 0777);
}

TEST_CASE("folders that hold something of others, or were there before, stay") {
  const TemporaryRoot root;
  root.write("/etc/shared", "");
  REQUIRE(::mkdir((root.path() + "/etc/new").c_str(), 0700) == 0);
  CHECK(install(root).changed);
  CHECK(uninstall(root).changed);
  CHECK(root.mode("/etc/new") == 0700);
  CHECK_FALSE(std::filesystem::exists(root.path() + "/etc/new/folder"));

  CHECK(install(root).changed);
  root.write("/etc/new/folder/theirs", "");
  CHECK(uninstall(root).changed);
  CHECK(root.read("/etc/new/folder/theirs"));
}

TEST_CASE("links are kept, and followed within the root") {
  const TemporaryRoot root;
  root.write("/data/real", "theirs\n", 0600);
  root.link("/etc/shared", "/data/real");
  root.link("/etc/new", "../../../elsewhere");
  const auto before = root.everything();
  CHECK(install(root).problems.empty());
  CHECK(root.everything().at("/etc/shared") == "-> /data/real");
  CHECK(root.mode("/data/real") == 0600);
  CHECK(root.read("/elsewhere/folder/own.conf"));
  CHECK_FALSE(std::filesystem::exists(root.path() + "/../elsewhere"));
  CHECK(uninstall(root).problems.empty());
  CHECK(root.everything() == before);
}

TEST_CASE("if one file cannot be written, none is") {
  const TemporaryRoot root;
  root.write("/etc/shared", "theirs\n");
  SECTION("as its folder is a file") { root.write("/etc/new", "a file\n"); }
  SECTION("as a plan has a problem") {}
  SECTION("as it is somebody else's") { root.write("/etc/new/folder/own.conf", "theirs\n"); }
  const auto before = root.everything();
  std::vector<Plan> plans = two_files(root);
  plans.insert(plans.begin(), plan_of({own_file(root.facts(), "test", "/opt/a/first", "x\n")}));
  if (before.size() == 2) plans.back().problems.push_back("no");
  const Applied applied = apply(root.facts(), plans, SetupWay::install);
  REQUIRE(applied.problems.size() == 1);
  CHECK_FALSE(applied.changed);
  CHECK(applied.lines.empty());
  CHECK(root.everything() == before);
}

TEST_CASE("if one file cannot be changed in the end, those before it are restored") {
  const TemporaryRoot root;
  root.write("/etc/shared", "theirs", 0604);
  const std::vector<Plan> plans{plan_of({own_block(root.facts(), "test", "/etc/shared", "ours\n"),
                                         own_file(root.facts(), "test", "/etc/new/own", "ours\n"),
                                         own_block(root.facts(), "test", "/etc/last", "ours\n")})};
  root.write("/etc/last", "written meanwhile\n");
  const auto before = root.everything();
  const Applied applied = apply(root.facts(), plans, SetupWay::install);
  CHECK(applied.problems ==
        Lines{"cannot write /etc/last: was changed by another program meanwhile"});
  CHECK_FALSE(applied.changed);
  CHECK(root.everything() == before);
}

TEST_CASE("if one file cannot be removed, those before it are there again") {
  const TemporaryRoot root;
  root.write("/etc/shared", "theirs", 0604);
  CHECK(install(root).changed);
  const auto with = root.everything();
  const std::vector<Plan> plans = two_files(root);
  std::vector<Plan> late = plans;
  late.front().files.back().before = "something else";
  CHECK(apply(root.facts(), late, SetupWay::uninstall).problems.size() == 1);
  CHECK(root.everything() == with);
}

TEST_CASE("a file that was changed by hand stays, and the others go") {
  const TemporaryRoot root;
  root.write("/etc/shared", "theirs\n");
  CHECK(install(root).changed);
  root.write("/etc/new/folder/own.conf", *root.read("/etc/new/folder/own.conf") + "more\n");
  const Applied undone = uninstall(root);
  REQUIRE(undone.problems.size() == 1);
  CHECK_THAT(undone.problems.front(),
             Catch::Matchers::StartsWith("/etc/new/folder/own.conf: was changed by hand"));
  CHECK(undone.lines == Lines{"restored /etc/shared"});
  CHECK(root.read("/etc/shared") == "theirs\n");
  CHECK(root.read("/etc/new/folder/own.conf"));
}

TEST_CASE("without rights the file is named, and what helps") {
  if (::geteuid() == 0) return;
  const TemporaryRoot root;
  root.write("/etc/shared", "theirs\n");
  REQUIRE(::chmod((root.path() + "/etc").c_str(), 0555) == 0);
  const Applied applied = install(root);
  ::chmod((root.path() + "/etc").c_str(), 0755);
  CHECK(applied.problems ==
        Lines{"cannot write /etc/new/folder/own.conf: Permission denied - run the same with sudo"});
}

TEST_CASE("new files in a home folder belong to its user") {
  if (::geteuid() != 0) return;
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  facts.user = {"/home/a", 1234, 4321, "", ""};
  FileEdit edit = own_file(facts, "test", "/home/a/.config/x/own", "ours\n");
  edit.in_home = true;
  const std::vector<Plan> plans{plan_of({edit})};
  CHECK(apply(facts, plans, SetupWay::install).problems.empty());
  for (const char* name : {"/home/a/.config", "/home/a/.config/x", "/home/a/.config/x/own"}) {
    struct stat info {};
    REQUIRE(::stat((root.path() + name).c_str(), &info) == 0);
    CHECK(info.st_uid == 1234);
    CHECK(info.st_gid == 4321);
  }
}

namespace {

/// Of the machine that runs, on which root has given /tmp/.../home to a user.
struct HomeOfUser {
  HomeOfUser() {
    root.write("/home/.profile", "theirs\n", 0640);
    root.write("/outside/theirs", "root's\n", 0600);
    for (const char* name : {"/home", "/home/.profile"}) {
      REQUIRE(::chown((root.path() + name).c_str(), 1234, 4321) == 0);
    }
    REQUIRE(::chmod(root.path().c_str(), 0755) == 0);
    facts.root = "/";
    facts.user = {root.path() + "/home", 1234, 4321, "", ""};
  }
  Applied install(const std::string& name) const {
    FileEdit edit = own_block(facts, "test", facts.user.home + name, "ours\n");
    edit.in_home = true;
    return apply(facts, std::vector<Plan>{plan_of({edit})}, SetupWay::install);
  }
  uid_t owner(const std::string& name) const {
    struct stat info {};
    REQUIRE(::stat((root.path() + name).c_str(), &info) == 0);
    return info.st_uid;
  }

  TemporaryRoot root;
  SetupFacts facts;
};

}  // namespace

TEST_CASE("links in a user's home lead root to nothing that is not the user's") {
  if (::geteuid() != 0) return;
  const HomeOfUser home;
  home.root.link("/home/dangling", home.root.path() + "/outside/new");
  home.root.link("/home/secret", home.root.path() + "/outside/theirs");
  home.root.link("/home/folder", home.root.path() + "/outside");
  const auto before = home.root.everything();
  for (const char* name : {"/dangling", "/secret", "/folder/new", "/folder/deep/new"}) {
    CAPTURE(name);
    CHECK(home.install(name).problems ==
          Lines{"cannot write " + home.facts.user.home + name + ": Permission denied"});
    CHECK(home.root.everything() == before);
  }
}

TEST_CASE("what is a user's own stays that user's, though root changes it") {
  if (::geteuid() != 0) return;
  const HomeOfUser home;
  home.root.write("/home/of-root", "theirs\n");
  home.root.link("/home/.bash_profile", ".profile");
  for (const char* name : {"/.bash_profile", "/.config/new/file", "/of-root"}) {
    CAPTURE(name);
    CHECK(home.install(name).problems.empty());
    CHECK(home.owner(std::string("/home") + name) == 1234);
  }
  CHECK(home.root.mode("/home/.profile") == 0640);
  REQUIRE(::chown((home.root.path() + "/home/.profile").c_str(), 1234, 0) == 0);
  home.root.write("/home/.profile", "theirs\n");
  CHECK(home.install("/.profile").problems.empty());
  CHECK(home.owner("/home/.config") == 1234);
}

TEST_CASE("with root's rights no link is followed out of a home") {
  if (::geteuid() != 0) return;
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  facts.user = {"/home/a", 1234, 4321, "", ""};
  root.link("/home/a/.npmrc", "/etc/new");
  FileEdit edit = own_block(facts, "test", "/home/a/.npmrc", "ours\n");
  edit.in_home = true;
  const Applied applied = apply(facts, std::vector<Plan>{plan_of({edit})}, SetupWay::install);
  REQUIRE(applied.problems.size() == 1);
  CHECK_THAT(applied.problems.front(), Catch::Matchers::Contains("leads out of the home folder"));
  CHECK_FALSE(root.read("/etc/new"));
}

TEST_CASE("what a killed installation left is gone after the next") {
  const TemporaryRoot root;
  root.write("/etc/new/folder/own.conf.culvert-999999999", "half");
  root.write("/etc/shared", "theirs\n");
  SECTION("as before") { CHECK(install(root).problems.empty()); }
  SECTION("or away again") {}
  CHECK(uninstall(root).problems.empty());
  CHECK_FALSE(root.read("/etc/new/folder/own.conf.culvert-999999999"));
}

TEST_CASE("one file under two names is written once, if both want the same") {
  const TemporaryRoot root;
  root.write("/etc/a/theirs", "");
  root.link("/etc/b", "a");
  const auto before = root.everything();
  const auto plans = [&](const std::string& second) {
    return std::vector<Plan>{plan_of({own_file(root.facts(), "test", "/etc/a/own", "ours\n"),
                                      own_file(root.facts(), "test", "/etc/b/own", second)})};
  };
  CHECK(apply(root.facts(), plans("other\n"), SetupWay::install).problems ==
        Lines{"cannot write /etc/b/own: is the same file as /etc/a/own, by a symbolic link"});
  CHECK(root.everything() == before);
  CHECK(apply(root.facts(), plans("ours\n"), SetupWay::install).problems.empty());
  CHECK(root.everything().at("/etc/b") == "-> a");
  CHECK(apply(root.facts(), plans("ours\n"), SetupWay::uninstall).problems.empty());
  CHECK(root.everything() == before);
}

TEST_CASE("what would stand in the way is known without writing") {
  const TemporaryRoot root;
  root.write("/etc/shared", "theirs\n");
  CHECK(find_write_problems(root.facts(), two_files(root), SetupWay::install).empty());
  root.write("/etc/new", "a file\n");
  const auto before = root.everything();
  CHECK(find_write_problems(root.facts(), two_files(root), SetupWay::install) ==
        Lines{"cannot write /etc/new/folder/own.conf: Not a directory"});
  CHECK(root.everything() == before);
}
