#include "setup/containers_conf.h"

#include "support/catch.h"

namespace culvert {
namespace {

using Lines = std::vector<std::string>;

std::vector<ConfigFile> files_with(const std::vector<std::string>& texts) {
  std::vector<ConfigFile> files;
  for (const std::string& text : texts) {
    files.push_back({"/" + std::to_string(files.size()), SettingForm::podman, text});
  }
  return files;
}

ConfiguredProxy read(const std::vector<std::string>& texts) {
  ConfiguredProxy configured;
  read_podman(files_with(texts), configured);
  return configured;
}

TEST_CASE("podman's own variables are those of [engine], not those of containers") {
  CHECK(read({"[containers]\nenv = [\"HTTPS_PROXY=http://a\"]\n[engine]\n# env = []\n"})
            .environment.empty());
  CHECK(read({"[engine]\nenv = [\n  \"HTTPS_PROXY=http://a\", 'X=1',\n]\n"}).environment ==
        Lines{"HTTPS_PROXY=http://a"});
}

TEST_CASE("the table of podman's own variables may be inline") {
  const std::string text =
      "engine = { runtime = \"crun\", pull = {a = 1}, env = [\"A=1,}\", {append=true}, \"B=2\"], x "
      "= 1 }\n"
      "env = [\"C=3\"]\n[containers]\nenv = [\"D=4\"]\n";
  CHECK(other_engine_env(files_with({text})) == Lines{"A=1,}", "B=2"});
  CHECK(engine_env(text)->append == true);
  CHECK(read({"engine={env=['HTTPS_PROXY=http://a']}"}).environment ==
        Lines{"HTTPS_PROXY=http://a"});
  CHECK_FALSE(engine_env("engine = {x = 1}\nenv = ['A=1']\n[other]\nengine = {env = ['B=1']}"));
  CHECK_FALSE(engine_env("engine = {"));
  CHECK_FALSE(engine_env("engine = {env"));
}

TEST_CASE("a later list takes the place of the earlier one") {
  const std::string first = "[engine]\nenv = [\"HTTPS_PROXY=http://a\", \"A=1\"]\n";
  ConfiguredProxy configured = read({first, "[engine]\nenv = [\"HTTP_PROXY=http://b\"]\n", "x=1"});
  CHECK(configured.environment == Lines{"HTTP_PROXY=http://b"});
  CHECK(configured.path == "/1");
  CHECK(configured.mistake.empty());
  configured = read({first, "[engine]\nenv = [\"B=1\"]\n"});
  CHECK(configured.environment.empty());
  CHECK(configured.path == "/1");
  CHECK_FALSE(configured.mistake.empty());
  CHECK(read({first, "[engine]\nenv = [\"B=1\"]\n", first}).mistake.empty());
}

TEST_CASE("lists are appended where a file says so, and from then on") {
  const std::string first = "[engine]\nenv = [\"HTTPS_PROXY=http://a\", \"A=1\"]\n";
  const std::string second = "[engine]\nenv = [\"B=1\", {append=true}]\n";
  const std::string third = "[engine]\nenv = [\"C=1\"]\n";
  CHECK(read({first, second, third}).environment == Lines{"HTTPS_PROXY=http://a"});
  CHECK(other_engine_env(files_with({first, second, third})) == Lines{"A=1", "B=1", "C=1"});
  CHECK(other_engine_env(files_with({first, third})) == Lines{"C=1"});
  CHECK(other_engine_env(files_with({first, second, "[engine]\nenv=[{append=false}]"})).empty());
}

}  // namespace
}  // namespace culvert
