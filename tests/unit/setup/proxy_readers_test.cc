#include "setup/proxy_readers.h"

#include <algorithm>

#include "base/text.h"
#include "setup/targets.h"
#include "support/catch.h"
#include "temporary_root.h"

namespace culvert {
namespace {

const ProxyReader& reader_of(std::string_view target) {
  const auto all = proxy_readers();
  const auto found = std::find_if(
      all.begin(), all.end(), [&](const ProxyReader& reader) { return reader.target == target; });
  REQUIRE(found != all.end());
  return *found;
}

TEST_CASE("each program of the table is a target of setup") {
  for (const ProxyReader& reader : proxy_readers()) {
    INFO(reader.name);
    CHECK(find_setup_target(reader.target) != nullptr);
  }
}

TEST_CASE("what setup writes for a program is found in its files") {
  for (const ProxyReader& reader : proxy_readers()) {
    INFO(reader.name);
    const TemporaryRoot root;
    // Other shells have files of their own behind the first.
    const bool other_shell = reader.name != "shell" && reader.target == "shell";
    if (other_shell) root.write(concat({"/usr/bin/", reader.program}), "", 0755);
    const Plan plan = find_setup_target(reader.target)->plan(root.facts());
    const FileEdit& edit = plan.files.at(other_shell ? 1 : 0);
    root.write(edit.path, edit.with.value());
    const ConfiguredProxy configured = configured_proxy(root.facts(), reader);
    CHECK(configured.path == edit.path);
    const auto& all = configured.environment;
    CHECK(std::count(all.begin(), all.end(), "HTTPS_PROXY=http://127.0.0.1:3128") == 1);
  }
}

TEST_CASE("bash reads the first of its login files that there is") {
  const TemporaryRoot root;
  for (const std::string name : {"profile", "bash_login", "bash_profile"}) {
    root.write("/root/." + name, "export HTTPS_PROXY=http://" + name + "\n");
    CHECK(configured_proxy(root.facts(), reader_of("shell")).environment ==
          std::vector<std::string>{"HTTPS_PROXY=http://" + name});
  }
  root.write("/root/.bash_profile", "");
  CHECK(configured_proxy(root.facts(), reader_of("shell")).environment.empty());
}

TEST_CASE("the last file of a program counts") {
  const TemporaryRoot root;
  const std::string folder = "/etc/systemd/system/docker.service.d/";
  root.write(folder + "a.conf", "[Service]\nEnvironment=HTTPS_PROXY=http://a\n");
  root.write(folder + "b.conf", "[Service]\nEnvironment=HTTPS_PROXY=http://b\n");
  root.write(folder + "c.conf.bak", "[Service]\nEnvironment=HTTPS_PROXY=http://c\n");
  CHECK(configured_proxy(root.facts(), reader_of("docker")).environment ==
        std::vector<std::string>{"HTTPS_PROXY=http://b"});
  root.write("/etc/docker/daemon.json", R"({"proxies": {"https-proxy": "http://d"}})");
  const ConfiguredProxy configured = configured_proxy(root.facts(), reader_of("docker"));
  CHECK(configured.environment == std::vector<std::string>{"HTTPS_PROXY=http://d"});
  CHECK(configured.form == SettingForm::docker_json);
}

TEST_CASE("a unit's environment is read as systemd reads it") {
  const TemporaryRoot root;
  root.write("/etc/default/docker", "HTTPS_PROXY=http://file\n");
  CHECK(configured_proxy(root.facts(), reader_of("docker")).environment ==
        std::vector<std::string>{"HTTPS_PROXY=http://file"});
  root.write(
      "/lib/systemd/system/docker.service",
      "[Service]\nEnvironment=HTTPS_PROXY=http://unit\nEnvironment=HTTP_PROXY=http://unit\n");
  root.write("/run/systemd/system/docker.service.d/a.conf", "[Service]\nEnvironment=\n");
  CHECK(configured_proxy(root.facts(), reader_of("docker")).environment.empty());
  root.write("/etc/systemd/system/docker.service.d/b.conf",
             "[Service]\nEnvironmentFile=/etc/b.env\n");
  root.write("/etc/b.env", "HTTPS_PROXY='http://b'\nX=1\n");
  const ConfiguredProxy configured = configured_proxy(root.facts(), reader_of("docker"));
  CHECK(configured.environment == std::vector<std::string>{"HTTPS_PROXY=http://b"});
  CHECK(configured.path == "/etc/b.env");
}

}  // namespace
}  // namespace culvert
