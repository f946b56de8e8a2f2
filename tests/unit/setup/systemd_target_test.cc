#include "setup/systemd_target.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "given_listeners.h"
#include "temporary_root.h"

using namespace culvert;
using Catch::Matchers::Contains;

namespace {

/// Without comments, empty lines around them, and the line that names the program.
std::string essence(std::istream& text) {
  std::string kept;
  for (std::string line; std::getline(text, line);) {
    if (!line.empty() && !line.starts_with('#') && !line.starts_with("ExecStart=")) {
      kept += line + "\n";
    }
  }
  return kept;
}

std::string essence_of_example(const std::string& name) {
  std::ifstream file(CULVERT_EXAMPLES "/systemd/" + name);
  REQUIRE(file);
  return essence(file);
}

std::string essence_of_plan(const FileEdit& edit) {
  std::istringstream text(*edit.with);
  return essence(text);
}

bool has_note(const Plan& plan, const std::string& part) {
  return std::any_of(plan.notes.begin(), plan.notes.end(),
                     [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

}  // namespace

TEST_CASE("the units are those of the examples") {
  const TemporaryRoot root;
  const Plan plan = plan_systemd(root.facts());
  REQUIRE(plan.files.size() == 3);
  CHECK(essence_of_plan(plan.files[1]) == essence_of_example("culvert.service"));
  CHECK(essence_of_plan(plan.files[2]) == essence_of_example("culvert.socket"));
}

TEST_CASE("the options of the service are in its configuration file") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  facts.listeners = given_listeners({"127.0.0.1:8080"});
  facts.service = {{"upstream", {"a=socks5://h:1", "b=http://u@h:2?password-file=/etc/b&warm=1"}},
                   {"route", {"*=a,b"}},
                   {"open-proxy", {}},
                   {"drain-timeout", {"5s"}}};
  const Plan plan = plan_systemd(facts);
  CHECK_THAT(*plan.files[0].with,
             Catch::Matchers::EndsWith("\nlisten = \"systemd\"\n"
                                       "upstream = [\n"
                                       "  \"a=socks5://h:1\",\n"
                                       "  \"b=http://u@h:2?password-file=/run/credentials/"
                                       "culvert.service/b&warm=1\",\n"
                                       "]\n"
                                       "route = \"*=a,b\"\n"
                                       "open-proxy = true\n"
                                       "drain-timeout = \"5s\"\n"));
  CHECK(plan.files[0].mode == 0644);
  CHECK_THAT(*plan.files[1].with, Contains(" --config /etc/culvert/culvert.toml\n"));
  CHECK_THAT(*plan.files[2].with, Contains("ListenStream=127.0.0.1:8080\n"));
  CHECK_THAT(*plan.files[1].with, Contains("\nLoadCredential=b:/etc/b\nExecStart="));
  CHECK(has_note(plan, "/etc/b is not there yet"));
  CHECK_FALSE(has_note(plan, "without --upstream"));
}

TEST_CASE("a configuration with a password is for root alone, and handed over by systemd") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  for (const std::pair<std::string, std::string>& option :
       {std::pair<std::string, std::string>{"upstream", "socks5://u:secret@h:1"},
        {"upstream", "http://token@h:1"},
        {"tunnel-command", "sshpass -p secret ssh h"}}) {
    facts.service = {{option.first, {option.second}}};
    const Plan plan = plan_systemd(facts);
    CHECK(plan.files[0].mode == 0600);
    CHECK_THAT(*plan.files[1].with,
               Contains("LoadCredential=culvert.toml:/etc/culvert/culvert.toml\n") &&
                   Contains("--config ${CREDENTIALS_DIRECTORY}/culvert.toml\n"));
    CHECK(has_note(plan, "holds a password"));
  }
}

TEST_CASE("the program of a tunnel command may do more than culvert alone") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  for (const char* limit : {"MemoryDenyWriteExecute=", "SystemCallFilter=", "ProcSubset="}) {
    facts.service = {};
    CHECK_THAT(*plan_systemd(facts).files[1].with, Contains(limit));
    facts.service = {{"tunnel-command", {"ssh -N -D 127.0.0.1:1080 host"}}};
    CHECK_THAT(*plan_systemd(facts).files[1].with, !Contains(limit) &&
                                                       Contains("\nProtectSystem=strict\n") &&
                                                       Contains("\n\n[Install]\n"));
  }
}

TEST_CASE("the unit gives the drain the time that it was given") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  for (const auto& [drain, limit] : std::vector<std::pair<std::string, std::string>>{
           {"1h", "1h 10s"}, {"30", "30s 10s"}, {"0", "0s 10s"}, {"off", "infinity"}}) {
    facts.service = {{"drain-timeout", {drain}}};
    CHECK_THAT(*plan_systemd(facts).files[1].with, Contains("\nTimeoutStopSec=" + limit + "\n"));
  }
}

TEST_CASE("the socket has addresses that systemd takes, each once") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  facts.listeners = given_listeners({"localhost:3129"});
  CHECK_THAT(*plan_systemd(facts).files[2].with, Contains("\nListenStream=127.0.0.1:3129\n"));
  facts.bridge = facts.bridge_note = "172.17.0.1";
  facts.listeners = given_listeners({"172.17.0.1:3128"});
  CHECK_THAT(
      *plan_systemd(facts).files[2].with,
      Contains("\nListenStream=172.17.0.1:3128\n# --bridge 172.17.0.1\nFreeBind=yes\nBacklog"));
}

TEST_CASE("the bridge's clients are not named where anybody may come") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  facts.bridge = facts.bridge_note = "172.17.0.1";
  facts.service = {{"open-proxy", {}}};
  CHECK_THAT(*plan_systemd(facts).files[0].with, !Contains("allow-client"));
  facts.service = {{"open-proxy", {"false"}}};
  CHECK_THAT(*plan_systemd(facts).files[0].with, Contains("allow-client"));
}

TEST_CASE("the unit starts a program that its user can execute") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  CHECK_THAT(*plan_systemd(facts).files[1].with, Contains("ExecStart=/usr/local/bin/culvert "));
  CHECK(has_note(plan_systemd(facts), "not there yet"));
  root.write("/usr/bin/culvert", "", 0755);
  CHECK_THAT(*plan_systemd(facts).files[1].with, Contains("ExecStart=/usr/bin/culvert "));
  CHECK_FALSE(has_note(plan_systemd(facts), "not there yet"));
}

TEST_CASE("a service whose files it cannot have is not installed") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  facts.service = {{"access-log", {"/srv/access.log"}},
                   {"upstream", {"https://h:1?ca=ca.pem&cert=/etc/c"}}};
  CHECK(plan_systemd(facts).problems ==
        std::vector<std::string>{
            "--access-log /srv/access.log: the service can write below /var/log/culvert/ alone: "
            "--access-log /var/log/culvert/access.log, or to the journal, with --access-log "
            "journal or without it",
            "--upstream ...ca=ca.pem: the service starts in /; write the whole path of the file"});
  root.link("/usr/bin/culvert", "/home/me/culvert");
  root.write("/home/me/culvert", "", 0755);
  facts.service.clear();
  REQUIRE(plan_systemd(facts).problems.size() == 1);
  CHECK_THAT(plan_systemd(facts).problems[0], Contains("/usr/bin/culvert is a link to a folder"));
}

TEST_CASE("a service that binds its listeners itself has no socket unit") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  for (const FileEdit& edit : plan_systemd(facts).files) root.write(edit.path, *edit.with);
  facts.listeners = {{"https://10.0.0.5:3129?cert=/etc/c.pem", {}}};
  facts.listeners[0].listen.address = HostPort::parse("10.0.0.5:3129").value();
  facts.listeners[0].listen.speaks = ListenConfig::Speaks::tls_only;
  const Plan plan = plan_systemd(facts);
  REQUIRE(plan.files.size() == 3);
  CHECK_THAT(
      *plan.files[0].with,
      Contains("listen = \"https://10.0.0.5:3129?cert=/run/credentials/culvert.service/c.pem\""));
  CHECK_THAT(
      *plan.files[1].with,
      Contains("After=network.target network-online.target\nWants=network-online.target\n\n") &&
          Contains("LoadCredential=c.pem:/etc/c.pem\n") && !Contains("culvert.socket"));
  CHECK_FALSE(plan.files[2].with.has_value());
  CHECK(plan.then_run ==
        std::vector<std::string>{"systemctl disable --now culvert.socket",
                                 "systemctl daemon-reload && systemctl enable culvert.service && "
                                 "systemctl restart culvert.service"});
}
