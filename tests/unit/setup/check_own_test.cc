#include "setup/check_own.h"

#include "setup/cache_target.h"
#include "setup/systemd_target.h"
#include "support/catch.h"
#include "temporary_root.h"

namespace culvert {
namespace {

void write_files(const TemporaryRoot& root, const Plan& plan) {
  for (const FileEdit& edit : plan.files) root.write(edit.path, edit.with.value());
}

TEST_CASE("a service that lacks a file is not right") {
  const TemporaryRoot root;
  write_files(root, plan_systemd(root.facts()));
  for (const char* file : {"/etc/systemd/system/culvert.socket", "/etc/culvert/culvert.toml"}) {
    const auto content = root.read(file).value();
    std::filesystem::remove(root.path() + file);
    const auto states = own_states(root.facts(), "systemd", {}, false, "");
    REQUIRE(states.size() == 1);
    CHECK(states[0].right == "no");
    CHECK(states[0].cause == std::string(file) + " is not there");
    CHECK(states[0].fix == "culvert setup systemd --install");
    root.write(file, content);
  }
  CHECK(own_states(root.facts(), "systemd", {}, false, "").at(0).right == "yes");
}

TEST_CASE("a service that binds its listeners itself needs no socket unit") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  facts.listeners = {{"http-only://127.0.0.1:3129", {}}};
  facts.listeners[0].listen.address = HostPort::parse("127.0.0.1:3129").value();
  facts.listeners[0].listen.speaks = ListenConfig::Speaks::http_only;
  write_files(root, plan_systemd(facts));
  CHECK_FALSE(root.read("/etc/systemd/system/culvert.socket").has_value());
  CHECK(own_states(facts, "systemd", {}, false, "").at(0).right == "yes");
}

TEST_CASE("only what is asked for has to be there") {
  const TemporaryRoot root;
  for (const char* target : {"systemd", "cache"}) {
    CHECK(own_states(root.facts(), target, {}, false, "").empty());
    CHECK(own_states(root.facts(), target, {}, true, "").size() == 1);
  }
  CHECK(own_states(root.facts(), "docker", {}, true, "").empty());
}

TEST_CASE("a cache's name that nobody reads is told so") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  facts.cache = "127.0.0.1:5000";
  facts.registries = {"gcr.io"};
  write_files(root, plan_cache(facts));
  const auto right = [&] {
    std::string all;
    for (const OwnState& state : own_states(facts, "cache", {}, true, "")) all += state.right + " ";
    return all;
  };
  CHECK(right() == "yes - ");
  const std::string cause = own_states(facts, "cache", {}, true, "").at(1).cause;
  CHECK(cause.find("add [plugins.\"io.containerd.grpc.v1.cri\".registry]") != std::string::npos);
  CHECK(cause.find("culvert setup cache") == std::string::npos);
  root.write("/etc/containerd/config.toml", "[x]\n  config_path = \"/etc/containerd/certs.d\"\n");
  CHECK(right() == "yes yes ");
  root.write("/var/lib/dpkg/status",
             "Package: docker.io\nStatus: install ok installed\nVersion: 20.10.24-1\n");
  CHECK(right() == "- yes ");
}

TEST_CASE("a hosts.toml of somebody else is no cache of culvert's") {
  const TemporaryRoot root;
  root.write("/etc/docker/certs.d/gcr.io/hosts.toml", "[host.\"http://x:1\"]\n");
  CHECK(own_states(root.facts(), "cache", {}, false, "").empty());
}

}  // namespace
}  // namespace culvert
