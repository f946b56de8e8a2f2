#include "setup/show.h"

#include <string>

#include "setup/own_text.h"
#include "temporary_root.h"

using namespace culvert;
using Catch::Matchers::Contains;

namespace {

Plan plan_of(FileEdit edit) {
  Plan plan;
  plan.target = "npm";
  plan.files.push_back(std::move(edit));
  plan.then_run.emplace_back("systemctl restart x");
  plan.notes.emplace_back("worth knowing");
  return plan;
}

Plan lines_in(const TemporaryRoot& root, const std::string& body = "proxy=http://a:1\n") {
  return plan_of(own_block(root.facts(), "npm", "/root/.npmrc", body));
}

/// From the first line of our own on, whose sum is another test's matter.
std::string without_signs(std::string text) {
  for (std::size_t at = 0;
       (at = text.find(": written by culvert setup;", at)) != std::string::npos;) {
    text.erase(at, text.find('\n', at) - at);
  }
  return text;
}

}  // namespace

TEST_CASE("a plan tells what would be written, where, and what follows") {
  const TemporaryRoot root;
  SetupFacts live = root.facts();
  const Plan plan = lines_in(root);
  CHECK(without_signs(show_plan(live, plan)) ==
        "npm:\n"
        "  /root/.npmrc would be written:\n"
        "    # Begin\n"
        "    proxy=http://a:1\n"
        "    # End: written by culvert setup\n"
        "  note: worth knowing\n");
  live.root = "/";
  CHECK_THAT(show_plan(live, plan), Contains("  then run: systemctl restart x\n"));
  CHECK(show_then_run(live, plan, SetupWay::install) == "  then run: systemctl restart x\n");
  CHECK(show_then_run(root.facts(), plan, SetupWay::install).empty());
}

TEST_CASE("of somebody else's file only our lines are shown") {
  const TemporaryRoot root;
  root.write("/root/.npmrc", "registry=x\n_authToken=hidden\n");
  CHECK_THAT(show_plan(root.facts(), lines_in(root)),
             Contains("/root/.npmrc would get these lines:\n    # Begin") &&
                 !Contains("registry=x") && !Contains("hidden"));
}

TEST_CASE("what stands in the way is told, with the lines that are needed") {
  const TemporaryRoot root;
  root.write("/etc/own", "theirs\n");
  Plan plan = plan_of(own_file(root.facts(), "docker", "/etc/own", "ours\n"));
  plan.problems.emplace_back("a problem");
  CHECK_THAT(show_plan(root.facts(), plan), Contains("  problem: a problem\n") &&
                                                Contains("/etc/own: is there, and not of") &&
                                                Contains("    ours\n"));
  CHECK(show_difference(plan, SetupWay::install).empty());
}

TEST_CASE("lines for eval stand alone among comments") {
  const TemporaryRoot root;
  Plan plan = lines_in(root);
  plan.to_eval = "export A='b'\n";
  const std::string shown = show_plan(root.facts(), plan);
  CHECK_THAT(shown, Catch::Matchers::StartsWith("# npm:\n# ") &&
                        Catch::Matchers::EndsWith("\n#   note: worth knowing\nexport A='b'\n"));
}

TEST_CASE("a plan that is dropped shows its problem and nothing that it would write") {
  const TemporaryRoot root;
  Plan plan = lines_in(root);
  plan.drop_for("a problem");
  CHECK(show_plan(root.facts(), plan) == "npm:\n  problem: a problem\n");
  plan = lines_in(root);
  plan.to_eval = "export A='b'\n";
  plan.drop_for("a problem");
  CHECK(show_plan(root.facts(), plan) == "# npm:\n#   problem: a problem\n");
}

TEST_CASE("a difference is a unified diff") {
  const TemporaryRoot root;
  root.write("/root/.npmrc", "1\n2\n3\n4\n");
  CHECK(without_signs(show_difference(lines_in(root), SetupWay::install)) ==
        "--- a/root/.npmrc\n"
        "+++ b/root/.npmrc\n"
        "@@ -4,0 +5,3 @@\n"
        "+# Begin\n+proxy=http://a:1\n+# End: written by culvert setup\n");
  CHECK(show_difference(lines_in(root), SetupWay::uninstall).empty());
  root.write("/root/.npmrc", *lines_in(root).files.front().with);
  CHECK(show_difference(lines_in(root), SetupWay::install).empty());
  CHECK_THAT(show_difference(lines_in(root), SetupWay::uninstall),
             Contains("@@ -5,3 +4,0 @@\n") && Contains("-proxy=http://a:1\n"));
}

TEST_CASE("a difference of a new file, and of one without an end of line") {
  const TemporaryRoot root;
  CHECK(without_signs(show_difference(lines_in(root), SetupWay::install)) ==
        "--- /dev/null\n"
        "+++ b/root/.npmrc\n"
        "@@ -0,0 +1,3 @@\n"
        "+# Begin\n+proxy=http://a:1\n+# End: written by culvert setup\n");
  root.write("/root/.npmrc", "1");
  CHECK_THAT(show_difference(lines_in(root), SetupWay::install),
             Contains("-(not shown: it may hold a password)\n\\ No newline at end of file\n"
                      "+(not shown: it may hold a password)\n+# Begin"));
}

TEST_CASE("of somebody's .npmrc, .gitconfig and .profile no other line is shown") {
  const TemporaryRoot root;
  root.write("/root/.profile", "curl -u a:hidden1\nMYSQL_PWD=hidden2\nkey=\"hidden3\"");
  const auto plan = [&] {
    return plan_of(own_block(root.facts(), "shell", "/root/.profile", "export A=token\n"));
  };
  CHECK_THAT(show_difference(plan(), SetupWay::install),
             !Contains("hidden") && Contains("+export A=token\n") && Contains("@@ -3,1 +3,4 @@\n"));
  CHECK_THAT(show_plan(root.facts(), plan()), !Contains("hidden"));
  root.write("/root/.profile", *plan().files.front().with + "A=hidden4\n");
  CHECK_THAT(show_difference(plan(), SetupWay::uninstall),
             !Contains("hidden") && Contains("-export A=token\n") && Contains("\n@@ "));
}

TEST_CASE("what podman's list repeats of others is not shown") {
  const TemporaryRoot root;
  FileEdit edit = own_file(root.facts(), "podman", "/etc/x.conf",
                           "env = [\n  \"A=hidden\",\n  \"HTTP_PROXY=http://a:1\",\n]\n");
  edit.repeats_others = true;
  CHECK_THAT(show_difference(plan_of(edit), SetupWay::install),
             !Contains("hidden") && Contains("+  \"HTTP_PROXY=http://a:1\",\n"));
}

TEST_CASE("what may be a password is not shown") {
  const TemporaryRoot root;
  root.write("/root/.npmrc",
             "//x/:_authToken=hidden1\n_password = hidden2\nurl=http://u:hidden3@proxy:1/\n");
  const std::string shown = show_difference(lines_in(root), SetupWay::install);
  CHECK_THAT(shown, !Contains("hidden") && !Contains("url="));

  const Plan own = plan_of(own_file(root.facts(), "systemd", "/etc/culvert/culvert.toml",
                                    "upstream = \"socks5://u:hidden@h:1\"\n"
                                    "tunnel-command = \"sshpass -p hidden ssh\"\n"
                                    "auth-file = \"/etc/users\"\n"));
  for (const std::string& text :
       {show_plan(root.facts(), own), show_difference(own, SetupWay::install)}) {
    CHECK_THAT(text, !Contains("hidden") && Contains("socks5://***@h:1") &&
                         Contains("auth-file = \"/etc/users\""));
  }
}
