#include "commands/setup_facts.h"

#include <string>
#include <vector>

#include "setup/listeners.h"
#include "setup/systemd_target.h"
#include "support/catch.h"
#include "support/tls_server.h"
#include "unit/setup/given_listeners.h"
#include "unit/setup/temporary_root.h"

namespace culvert {
namespace {

SetupOptions options_with(const std::vector<std::string>& listeners) {
  SetupOptions options;
  options.listen = given_listeners(listeners);
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
  facts.listeners = given_listeners({"127.0.0.1:3999"});
  for (const FileEdit& edit : plan_systemd(facts).files) root.write(edit.path, *edit.with);
  CHECK(facts_of({}, root.path()).proxy_url == "http://127.0.0.1:3999");
  CHECK(service_address(facts_of({}, root.path())) == "127.0.0.1:3999");
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
  CHECK(service_address(facts) == "10.0.0.5:3129");
  std::filesystem::remove(root.path() + "/etc/p.key");
  CHECK(facts_of(options, root.path()).proxy_url == "https://10.0.0.5:3129");
  CHECK(facts_of(options, root.path()).untrusted_ca.value().empty());
}

TEST_CASE("a certificate that culvert cannot serve with is a problem") {
  const test::TlsAuthority authority("Our CA");
  const auto files = authority.issue("proxy.lan");
  const auto problems = [](const std::string& root, const std::string& query) {
    SetupFacts facts;
    facts.root = root;
    const std::string text = "https://10.0.0.5:3129?" + query;
    return certificate_problems(options_with({text}).listen.front().listen, facts);
  };
  const std::string cert = "cert=" + files.cert;
  CHECK(problems("/", cert + "&key=" + files.key).empty());
  const auto of = [&](const std::string& query) {
    const std::vector<std::string> found = problems("/", query);
    REQUIRE(found.size() == 1);
    CHECK(found[0].starts_with("--listen https://10.0.0.5:3129: "));
    return found[0];
  };
  CHECK(of("cert=/nonexistent/p.pem").ends_with(": /nonexistent/p.pem is not there"));
  CHECK(of(cert).find("holds no private key") != std::string::npos);
  CHECK(of(cert + "&key=" + authority.issue("other.lan").key).find("does not belong to") !=
        std::string::npos);
  // It may come later there.
  const TemporaryRoot root;
  CHECK(problems(root.path(), "cert=/etc/p.crt&key=/etc/p.key").empty());
  copy(root, files.cert, "/etc/p.crt");
  copy(root, authority.issue("other.lan").key, "/etc/p.key");
  CHECK(problems(root.path(), "cert=/etc/p.crt&key=/etc/p.key").size() == 1);
  const auto given = options_with({"https://10.0.0.5:3129?cert=/etc/p.crt&key=/etc/p.key"});
  CHECK(facts_of(given, root.path()).certificate_problems.size() == 1);
  CHECK(facts_of(options_with({"127.0.0.1:1"}), root.path()).certificate_problems.empty());
}

TEST_CASE("a certificate without a name for the address is told") {
  const test::TlsAuthority authority("Our CA");
  const TemporaryRoot root;
  const auto note = [&](const std::string& name) {
    const auto files = authority.issue(name);
    copy(root, files.cert, "/etc/p.crt");
    copy(root, files.key, "/etc/p.key");
    const auto given = options_with({"https://10.0.0.5:3129?cert=/etc/p.crt&key=/etc/p.key"});
    return facts_of(given, root.path()).certificate_note;
  };
  CHECK(note("proxy.lan").empty());
  CHECK(note("10.0.0.5").empty());
  CHECK(note("*.lan") ==
        "clients will refuse the certificate at https://10.0.0.5:3129: it is not for 10.0.0.5, but "
        "for *.lan");
  CHECK(note("10.0.0.6").ends_with("it is not for 10.0.0.5, but for 10.0.0.6"));
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
  CHECK(facts_of(options_with({"[::1]:3128"}), root.path()).sign_in);
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
