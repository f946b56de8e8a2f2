#include "commands/setup_facts.h"

#include <string>
#include <vector>

#include "options/listen_address.h"
#include "setup/systemd_target.h"
#include "support/catch.h"
#include "support/tls_server.h"
#include "unit/setup/temporary_root.h"

namespace culvert {
namespace {

SetupOptions options_with(const std::vector<std::string>& listeners) {
  SetupOptions options;
  for (const std::string& text : listeners) {
    std::vector<std::string> problems;
    options.listen.push_back({text, parse_listen(text, problems).front()});
  }
  return options;
}

void copy(const TemporaryRoot& root, const std::string& from, const std::string& to) {
  std::ifstream file(from, std::ios::binary);
  root.write(to, std::string(std::istreambuf_iterator<char>(file), {}));
}

TEST_CASE("without a word about it clients use the default, or the installed service") {
  const TemporaryRoot root;
  SetupFacts facts = facts_of({}, root.path());
  CHECK(facts.proxy_url == "http://127.0.0.1:3128");
  CHECK(facts.listeners.empty());
  facts.listen = "127.0.0.1:3999";
  for (const FileEdit& edit : plan_systemd(facts).files) root.write(edit.path, *edit.with);
  CHECK(facts_of({}, root.path()).proxy_url == "http://127.0.0.1:3999");
  CHECK(facts_of({}, root.path()).listen == "127.0.0.1:3999");
  CHECK(facts_of(options_with({"127.0.0.1:1"}), root.path()).proxy_url == "http://127.0.0.1:1");
}

TEST_CASE("clients of a TLS listener get a name that its certificate below the root is for") {
  const test::TlsAuthority authority("Our CA");
  const TemporaryRoot root;
  const auto files = authority.issue("proxy.lan");
  copy(root, files.cert, "/etc/p.crt");
  copy(root, files.key, "/etc/p.key");
  const auto options = options_with({"https://10.0.0.5:3129?cert=/etc/p.crt&key=/etc/p.key"});
  const SetupFacts facts = facts_of(options, root.path());
  CHECK(facts.proxy_url == "https://proxy.lan:3129");
  CHECK(facts.container_url == "https://proxy.lan:3129");
  CHECK(facts.untrusted_ca.value().find("Our CA") != std::string::npos);
  CHECK(facts.listen == "10.0.0.5:3129");
  std::filesystem::remove(root.path() + "/etc/p.key");
  CHECK(facts_of(options, root.path()).proxy_url == "https://10.0.0.5:3129");
  CHECK(facts_of(options, root.path()).untrusted_ca.value().empty());
}

TEST_CASE("clients sign in where the service has users") {
  const TemporaryRoot root;
  SetupOptions options;
  options.service = {{"auth-file", {"/etc/users"}}};
  SetupFacts facts = facts_of(options, root.path());
  CHECK(facts.sign_in);
  for (const FileEdit& edit : plan_systemd(facts).files) root.write(edit.path, *edit.with);
  CHECK(facts_of({}, root.path()).sign_in);
  // Another proxy.
  SetupOptions other = options_with({"127.0.0.1:1"});
  CHECK_FALSE(facts_of(other, root.path()).sign_in);
  CHECK(facts_of(options_with({"127.0.0.1:3128"}), root.path()).sign_in);
  CHECK_FALSE(facts_of(options_with({"10.0.0.5:3128"}), root.path()).sign_in);
  other.targets = {"systemd"};
  CHECK(facts_of(other, root.path()).sign_in);
}

TEST_CASE("the table knows where containers reach the listeners") {
  const TemporaryRoot root;
  SetupOptions options = options_with({":3999"});
  options.action = SetupOptions::Action::check;
  CHECK(facts_of(options, root.path()).container_url == "http://172.17.0.1:3999");
}

TEST_CASE("the bridge of another machine is Docker's usual one") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  add_bridge(facts);
  CHECK(facts.bridge == "172.17.0.1");
  CHECK(facts.bridge_note.starts_with("172.17.0.1 is docker0's unless"));
}

}  // namespace
}  // namespace culvert
