#include "setup/installed_service.h"

#include "given_listeners.h"
#include "setup/systemd_target.h"
#include "temporary_root.h"

namespace culvert {
namespace {

using Lines = std::vector<std::string>;

void install(const TemporaryRoot& root, const SetupFacts& facts) {
  for (const FileEdit& edit : plan_systemd(facts).files) root.write(edit.path, *edit.with);
}

TEST_CASE("without a service there is none") {
  const TemporaryRoot root;
  const InstalledService service = installed_service(root.facts());
  CHECK(service.listeners.empty());
  CHECK((service.bridge + service.config).empty());
}

TEST_CASE("a service's address, bridge and options are found in its files") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  facts.listeners = given_listeners({"127.0.0.1:3999"});
  install(root, facts);
  CHECK(installed_service(facts).listeners == Lines{"127.0.0.1:3999"});
  CHECK(installed_service(facts).bridge.empty());
  facts.bridge = "172.17.0.1";
  facts.service = {{"allow-client", {"10.0.0.0/8"}}};
  install(root, facts);
  const InstalledService service = installed_service(facts);
  CHECK(service.listeners == Lines{"127.0.0.1:3999"});
  CHECK(service.bridge == "172.17.0.1");
  CHECK(service.config.find("\"10.0.0.0/8\"") != std::string::npos);
}

TEST_CASE("files that systemd hands over have the path that was given") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  facts.service = {
      {"upstream",
       {"http://u@h:1?password-file=/etc/b%25%26 c&warm=1", "https://h:2?ca=/etc/b%25%26 cc"}}};
  install(root, facts);
  const std::string written = *root.read("/etc/culvert/culvert.toml");
  CHECK(written.find("/etc/b") == std::string::npos);
  const std::string config = installed_service(facts).config;
  CHECK(config.find("password-file=/etc/b%25%26%20c&warm=1\"") != std::string::npos);
  CHECK(config.find("ca=/etc/b%25%26%20cc\"") != std::string::npos);
}

TEST_CASE("a path that is a whole value is not escaped as one behind a question mark") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  root.write("/etc/50% \"of\" users", "x", 0600);
  facts.service = {{"auth-file", {"/etc/50% \"of\" users"}}};
  install(root, facts);
  CHECK(installed_service(facts).config.find(R"(auth-file = "/etc/50% \"of\" users")") !=
        std::string::npos);
}

TEST_CASE("a configuration that was changed by hand is not taken for setup's") {
  const TemporaryRoot root;
  install(root, root.facts());
  root.write("/etc/culvert/culvert.toml", *root.read("/etc/culvert/culvert.toml") + "\n");
  CHECK(installed_service(root.facts()).config.empty());
  CHECK(installed_service(root.facts()).listeners == Lines{"localhost:3128"});
}

}  // namespace
}  // namespace culvert
