#include "setup/git_config.h"

#include <map>

#include "support/catch.h"

namespace culvert {
namespace {

using Lines = std::vector<std::string>;

ConfiguredProxy read(const std::string& text, const std::map<std::string, std::string>& more = {}) {
  const FindGitFile find = [&](const std::string& path) -> std::optional<ConfigFile> {
    const auto found = more.find(path);
    if (found == more.end()) return std::nullopt;
    return ConfigFile{path, SettingForm::git, found->second};
  };
  ConfiguredProxy configured;
  const std::vector<ConfigFile> files = {{"/etc/gitconfig", SettingForm::git, text}};
  read_git(files, "/home/u", find, configured);
  return configured;
}

// What git itself makes of such files is asked in tests/e2e/test_setup.py.
TEST_CASE("git's settings are found in each form") {
  const Lines both = {"HTTPS_PROXY=http://h:1", "HTTP_PROXY=http://h:1"};
  for (const std::string text : {
           "[user]\n\tproxy = no\n[http]\n\tproxy = \"http://h:1\"\n",
           "[http] proxy = http://h:1",
           "[HTTP]PROXY=http://h:1 ; comment\r\n",
           "[http]\nproxy = http:\"//h\":1   # comment\n",
           "[http]\nproxy = http:\\\n//h:1\n",
           "\xef\xbb\xbf[http]\nproxy = no\n# proxy = x\n; proxy = x\nproxy = http://h:1\n",
           "[http]\nproxy = http://h:1\n[http \"https://other\"]\nproxy = http://h:1\n",
           "[https]\nproxy = no\n[http]proxy=http://h:1\n[http.sub]\nproxy = http://h:1",
       }) {
    INFO(text);
    CHECK(read(text).environment == both);
    CHECK(read(text).notes.empty());
  }
  CHECK(read("[http]\nproxy = \"a # \\\"b\\\\\"").environment.front() == "HTTPS_PROXY=a # \"b\\");
  for (const std::string text :
       {"[http", "[http \"", "[", "[http]\n=x", "proxy = x", "\\", "[http]\npro\\xy"}) {
    INFO(text);
    CHECK(read(text).environment.empty());
  }
}

TEST_CASE("files that git includes are read where they stand") {
  const ConfiguredProxy configured =
      read("[http] proxy = a\n[include]\npath = more\npath = ~/mine\n[user]\nname = x\n",
           {{"/etc/more", "[http] proxy = b\n"}, {"/home/u/mine", "[http] proxy = c\n"}});
  CHECK(configured.environment.front() == "HTTPS_PROXY=c");
  CHECK(configured.path == "/home/u/mine");
  CHECK(read("[include] path = gitconfig\n[http] proxy = a",
             {{"/etc/gitconfig", "[include] path = gitconfig"}})
            .environment.front() == "HTTPS_PROXY=a");
}

TEST_CASE("what is noted of git's files holds no secret") {
  CHECK(read("[http \"https://u:hush@h/?k=hush\"] proxy = http://u:hush@x\n").notes ==
        Lines{"/etc/gitconfig has a proxy of its own for https://***@h/***"});
}

TEST_CASE("a path of somebody's choice is printed without control characters") {
  CHECK(
      read("[include] path = /a\x1b[2J", {{"/a\x1b[2J", "[http \"https://h\"] proxy = x"}}).notes ==
      Lines{"/a?[2J has a proxy of its own for https://h"});
}

TEST_CASE("proxies for some URLs or folders are noted") {
  CHECK(read("[http \"https://h\"] proxy = x\n[http \"https://i\"]\nproxy=\n[http] proxy = y\n")
            .notes == Lines{"/etc/gitconfig has a proxy of its own for https://h",
                            "/etc/gitconfig has no proxy for https://i"});
  const ConfiguredProxy configured =
      read("[includeIf \"gitdir:~/work/\"]\npath = /w\n", {{"/w", "[http] proxy = x"}});
  CHECK(configured.environment.empty());
  CHECK(configured.notes == Lines{"/w has a proxy of its own, for [includeIf \"gitdir:~/work/\"]"});
}

}  // namespace
}  // namespace culvert
