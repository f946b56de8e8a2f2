#include "setup/docker_json.h"

#include "base/json.h"
#include "setup/apply.h"
#include "setup/unit_targets.h"
#include "support/catch.h"
#include "temporary_root.h"

namespace culvert {
namespace {

constexpr std::string_view kClient = "/root/.docker/config.json";
constexpr std::string_view kDaemon = "/etc/docker/daemon.json";

Applied carry_out(const TemporaryRoot& root, const Plan& plan, SetupWay way) {
  return apply(root.facts(), std::vector<Plan>{plan}, way);
}

std::string notes_of(const Plan& plan) {
  std::string all;
  for (const std::string& note : plan.notes) all += note + "\n";
  return all;
}

TEST_CASE("docker's client gets the proxy for containers, and loses it again") {
  const TemporaryRoot root;
  root.write("/root/other", "x");
  const auto before = root.everything();
  CHECK(carry_out(root, plan_docker_client(root.facts()), SetupWay::install).problems.empty());
  const auto json = Json::parse(root.read(std::string(kClient)).value());
  REQUIRE(json);
  const Json proxies = json->at("proxies").at("default");
  CHECK(proxies.at("httpProxy").text() == "http://127.0.0.1:3128");
  CHECK(proxies.at("httpsProxy").text() == "http://127.0.0.1:3128");
  CHECK(proxies.at("noProxy").text() == "localhost,127.0.0.1,::1");
  CHECK(root.mode(std::string(kClient)) == 0600);
  CHECK(carry_out(root, plan_docker_client(root.facts()), SetupWay::uninstall).problems.empty());
  CHECK(root.everything() == before);
}

TEST_CASE("containers are told that 127.0.0.1 is their own, or get the bridge's address") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  CHECK(notes_of(plan_docker_client(facts)).find("add --bridge") != std::string::npos);
  facts.bridge = "172.17.0.1";
  facts.proxy_url = "http://127.0.0.1:8080";
  const Plan plan = plan_docker_client(facts);
  CHECK(notes_of(plan).find("add --bridge") == std::string::npos);
  CHECK(plan.files.at(0).with->find("\"http://172.17.0.1:8080\"") != std::string::npos);
}

/// As `docker login` writes it.
void write_anew(const TemporaryRoot& root, const std::string& login) {
  const auto json = Json::parse(root.read(std::string(kClient)).value());
  const Json proxies = json->at("proxies").at("default");
  const auto line = [&](const char* name) {
    return "\t\t\t\"" + std::string(name) + "\": \"" + proxies.at(name).text().value() + "\"";
  };
  root.write(std::string(kClient), "{\n" + login + "\t\"proxies\": {\n\t\t\"default\": {\n" +
                                       line("httpProxy") + ",\n" + line("httpsProxy") + ",\n" +
                                       line("noProxy") + "\n\t\t}\n\t}\n}");
}

TEST_CASE("what docker's client wrote anew is found at whatever address it was installed with") {
  const TemporaryRoot root;
  root.write("/root/other", "x");
  const auto before = root.everything();
  SetupFacts facts = root.facts();
  facts.proxy_url = "http://192.0.2.7:1234";
  facts.bridge = "172.17.0.9";
  carry_out(root, plan_docker_client(facts), SetupWay::install);
  write_anew(root, "\t\"auths\": {},\n");
  CHECK(carry_out(root, plan_docker_client(root.facts()), SetupWay::uninstall).problems.empty());
  CHECK(root.read(std::string(kClient)) == "{\n\t\"auths\": {}\n}");
  CHECK_FALSE(root.read(std::string(kClient) + ".culvert"));
  std::filesystem::remove_all(root.path() + "/root/.docker");

  carry_out(root, plan_docker_client(facts), SetupWay::install);
  write_anew(root, "");
  carry_out(root, plan_docker_client(root.facts()), SetupWay::uninstall);
  CHECK(root.everything() == before);
}

TEST_CASE("what a user wrote stays, though it be the same") {
  const TemporaryRoot root;
  const std::string url = "http://127.0.0.1:3128";
  root.write(std::string(kDaemon), R"({"proxies": {"http-proxy": ")" + url +
                                       R"(", "https-proxy": ")" + url +
                                       R"(", "no-proxy": "localhost,127.0.0.1,::1"}})");
  root.write(std::string(kClient), R"({"proxies": {"default": {"httpProxy": ")" + url +
                                       R"(", "httpsProxy": ")" + url +
                                       R"(", "noProxy": "localhost,127.0.0.1,::1"}}})");
  const auto before = root.everything();
  CHECK(carry_out(root, plan_docker(root.facts()), SetupWay::install).problems.empty());
  CHECK(root.everything().at(std::string(kDaemon)) == before.at(std::string(kDaemon)));
  CHECK(carry_out(root, plan_docker(root.facts()), SetupWay::uninstall).problems.empty());
  CHECK(carry_out(root, plan_docker_client(root.facts()), SetupWay::uninstall).problems.empty());
  CHECK(root.everything() == before);
}

TEST_CASE("what was changed by hand since is left, and told, until it is taken out") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  facts.daemon_json = true;
  carry_out(root, plan_docker(facts), SetupWay::install);
  std::string text = root.read(std::string(kDaemon)).value();
  text.replace(text.find("http://127.0.0.1:3128"), 21, "http://corp.example:1");
  root.write(std::string(kDaemon), text);
  const Applied undone = carry_out(root, plan_docker(root.facts()), SetupWay::uninstall);
  REQUIRE(undone.problems.size() == 1);
  CHECK(undone.problems[0].find("not what culvert setup wrote") != std::string::npos);
  CHECK(root.read(std::string(kDaemon)) == text);
  // The unit's drop-in is not in its way.
  CHECK(carry_out(root, plan_docker(root.facts()), SetupWay::install).problems.empty());
  CHECK(root.read(std::string(kDaemon)) == text);
  root.write(std::string(kDaemon), "{}");
  CHECK(carry_out(root, plan_docker(root.facts()), SetupWay::uninstall).problems.empty());
  CHECK(root.read(std::string(kDaemon)) == "{}");
  CHECK_FALSE(root.read(std::string(kDaemon) + ".culvert"));
}

TEST_CASE("a proxy of somebody else stays in docker's file") {
  const TemporaryRoot root;
  const std::string text = R"({"proxies": {"default": {"httpProxy": "http://u:geheim@corp:1"}}})";
  root.write(std::string(kClient), text);
  const Applied applied = carry_out(root, plan_docker_client(root.facts()), SetupWay::install);
  REQUIRE(applied.problems.size() == 1);
  CHECK(applied.problems[0].find("proxies.default.httpProxy") != std::string::npos);
  CHECK(applied.problems[0].find("geheim") == std::string::npos);
  CHECK(root.read(std::string(kClient)) == text);
}

TEST_CASE("daemon.json is used where it is asked for, and other keys stay") {
  const TemporaryRoot root;
  root.write(std::string(kDaemon), "{\n    \"data-root\": \"/d\"\n}\n");
  SetupFacts facts = root.facts();
  CHECK(plan_docker(facts).files.at(0).path.ends_with("zz-culvert.conf"));
  facts.daemon_json = true;
  const auto before = root.everything();
  CHECK(carry_out(root, plan_docker(facts), SetupWay::install).problems.empty());
  const auto json = Json::parse(root.read(std::string(kDaemon)).value());
  CHECK(json->names() == std::vector<std::string>{"data-root", "proxies"});
  CHECK(json->at("proxies").at("https-proxy").text() == "http://127.0.0.1:3128");
  // Without the option, too.
  CHECK(carry_out(root, plan_docker(root.facts()), SetupWay::uninstall).problems.empty());
  CHECK(root.everything() == before);
}

TEST_CASE("a proxy moves between the unit and daemon.json") {
  const TemporaryRoot root;
  const auto before = root.everything();
  SetupFacts facts = root.facts();
  carry_out(root, plan_docker(facts), SetupWay::install);
  facts.daemon_json = true;
  const Applied moved = carry_out(root, plan_docker(facts), SetupWay::install);
  REQUIRE(moved.lines.size() == 3);
  CHECK(moved.lines[2].starts_with("removed /etc/systemd/system/docker.service.d/"));
  CHECK_FALSE(std::filesystem::exists(root.path() + "/etc/systemd"));
  CHECK(root.read(std::string(kDaemon)));
  CHECK_FALSE(root.read("/etc/systemd/system/docker.service.d/zz-culvert.conf"));
  facts.daemon_json = false;
  carry_out(root, plan_docker(facts), SetupWay::install);
  CHECK_FALSE(root.read(std::string(kDaemon)));
  CHECK(root.read("/etc/systemd/system/docker.service.d/zz-culvert.conf"));
}

TEST_CASE("settings of docker's client for one daemon count more, and are told") {
  const TemporaryRoot root;
  const auto with_daemon = [&](const std::string& name) {
    root.write(std::string(kClient),
               "{\"proxies\": {\"" + name + "\": {\"httpsProxy\": \"http://x:1\"}}}");
    return plan_docker_client(root.facts());
  };
  CHECK(plan_docker_client(root.facts()).rivals.empty());
  REQUIRE(with_daemon("unix:///var/run/docker.sock").rivals.size() == 1);
  CHECK(with_daemon("unix:///var/run/docker.sock").rivals.front() ==
        "/root/.docker/config.json has settings of its own for unix:///var/run/docker.sock, which "
        "count there in place of \"default\" - take it out there");
  CHECK(with_daemon("tcp://h:2376").rivals.empty());
  CHECK(notes_of(with_daemon("tcp://h:2376")).find("settings of its own for tcp://h:2376") !=
        std::string::npos);
}

TEST_CASE("Docker Engine before 23 would not start with proxies in daemon.json") {
  const TemporaryRoot root;
  root.write("/var/lib/dpkg/status",
             "Package: docker.io\nStatus: install ok installed\nVersion: 20.10.24-1\n");
  SetupFacts facts = root.facts();
  facts.daemon_json = true;
  REQUIRE(plan_docker(facts).problems.size() == 1);
  CHECK(plan_docker(facts).problems[0].find("Docker Engine 20.10.24") != std::string::npos);
  CHECK_FALSE(carry_out(root, plan_docker(facts), SetupWay::install).problems.empty());
  CHECK_FALSE(root.read(std::string(kDaemon)));
}

TEST_CASE("daemon.json is chosen where another init than systemd starts docker") {
  const TemporaryRoot root;
  root.write("/etc/init.d/docker", "");
  CHECK(wants_daemon_json(root.facts()));
  root.write("/lib/systemd/systemd", "");
  CHECK_FALSE(wants_daemon_json(root.facts()));
  const TemporaryRoot old;
  old.write("/etc/init.d/docker", "");
  old.write("/var/lib/dpkg/status",
            "Package: docker.io\nStatus: install ok installed\nVersion: 20.10.24-1\n");
  CHECK_FALSE(wants_daemon_json(old.facts()));
}

}  // namespace
}  // namespace culvert
