#include "setup/check_table.h"

#include "setup/apply.h"
#include "setup/targets.h"
#include "support/catch.h"
#include "temporary_root.h"

namespace culvert {
namespace {

const std::string kDropIn = "/etc/systemd/system/docker.service.d/proxy.conf";

std::string drop_in_with(const std::string& variables) {
  return "[Service]\nEnvironment=" + variables + "\n";
}

CheckTable table_of(const TemporaryRoot& root, const std::vector<std::string>& targets = {},
                    const std::vector<RunningCulvert>& culverts = {}) {
  SetupFacts facts = root.facts();
  facts.bridge = "172.17.0.1";
  return check_table(facts, targets, culverts, " --root R");
}

bool has(const CheckTable& table, const std::string& part) {
  return table.text.find(part) != std::string::npos;
}

TEST_CASE("what is installed and has no proxy is told, with the command") {
  const TemporaryRoot root;
  root.write("/usr/bin/dockerd", "");
  const CheckTable table = table_of(root);
  CHECK_FALSE(table.right);
  CHECK(table.text ==
        "WHO                HAS NOW                       RIGHT    FROM\n"
        "dockerd            no proxy                      no\n"
        "  fix: culvert setup docker --root R --install\n");
  CHECK(table_of(root, {"podman"}).text.find("dockerd") == std::string::npos);
}

TEST_CASE("what docker's client has for its daemon alone counts") {
  const TemporaryRoot root;
  const std::string path = "/root/.docker/config.json";
  SetupFacts facts = root.facts();
  facts.bridge = "172.17.0.1";
  const std::vector<Plan> plans{find_setup_target("docker-client")->plan(facts)};
  CHECK(apply(facts, plans, SetupWay::install).problems.empty());
  CHECK(table_of(root, {"docker-client"}).right);
  std::string text = root.read(path).value();
  text.insert(text.find("\"default\""), "\"unix:///var/run/docker.sock\": {}, ");
  root.write(path, text);
  const CheckTable table = table_of(root, {"docker-client"});
  INFO(table.text);
  CHECK_FALSE(table.right);
  CHECK(
      has(table, "  cause: " + path + " has settings of its own for unix:///var/run/docker.sock"));
  CHECK(has(table, "take it out there; then culvert setup docker-client --bridge"));
}

TEST_CASE("zsh and fish are told where they are, and what is in their own files") {
  const TemporaryRoot root;
  CHECK_FALSE(has(table_of(root, {"shell"}), "zsh"));
  root.write("/usr/bin/zsh", "");
  CHECK(has(table_of(root, {"shell"}), "zsh                no proxy                      -\n"));
  CHECK(table_of(root).right);
  root.write("/root/.zprofile", "export HTTPS_PROXY=http://x:1\n");
  CHECK(has(table_of(root),
            "zsh                http://x:1                    no       /root/.zprofile"));
  CHECK_FALSE(table_of(root).right);
}

TEST_CASE("a machine that has nothing is right") {
  const TemporaryRoot root;
  CHECK(table_of(root).right);
  CHECK_FALSE(table_of(root).text.empty());
}

TEST_CASE("the proxy that a file names is judged as Go reads it") {
  struct Row {
    std::string variables;
    bool right;
    std::string shown;
  };
  for (const Row& row : std::vector<Row>{
           {"HTTPS_PROXY=http://127.0.0.1:3128 HTTP_PROXY=http://127.0.0.1:3128", true,
            "dockerd            http://127.0.0.1:3128         yes      " + kDropIn},
           {"HTTPS_PROXY=http://localhost:3128 HTTP_PROXY=http://localhost:3128", true,
            "localhost:3128"},
           {"HTTPS_PROXY=http://172.17.0.1:3128 HTTP_PROXY=http://172.17.0.1:3128", true,
            "172.17.0.1:3128"},
           {"HTTPS_PROXY=http://u:geheim@corp.example:8080", false, "cause: that is not culvert"},
           {"ALL_PROXY=http://127.0.0.1:3128", false, "cause: "},
           {"HTTPS_PROXY=http://127.0.0.1:3128 HTTP_PROXY=http://127.0.0.1:3128 NO_PROXY=gcr.io",
            false, "cause: "},
       }) {
    INFO(row.variables);
    const TemporaryRoot root;
    root.write("/usr/sbin/dockerd", "");
    root.write(kDropIn, drop_in_with(row.variables));
    const CheckTable table = table_of(root);
    INFO(table.text);
    CHECK(table.right == row.right);
    CHECK(has(table, row.shown));
    CHECK_FALSE(has(table, "geheim"));
    CHECK(has(table, "fix: ") == !row.right);
  }
}

TEST_CASE("a plain URL of a culvert that speaks TLS alone is not right, whatever its address") {
  SetupFacts facts;
  const auto table_with = [&](const std::string& url, const std::string& target = "docker") {
    const TemporaryRoot root;
    facts.root = root.path();
    facts.user = root.facts().user;
    const std::string unit =
        target == "docker" ? kDropIn
                           : facts.user.config_home() + "/systemd/user/docker.service.d/proxy.conf";
    root.write(unit, drop_in_with("HTTPS_PROXY=" + url + " HTTP_PROXY=" + url));
    const std::vector<std::string> targets{target};
    return check_table(facts, targets, {}, " --root R");
  };
  const std::string cause = "  cause: culvert speaks TLS alone there\n";
  facts.bridge = "172.17.0.1";
  facts.proxy_url = "https://127.0.0.1:3129";
  CHECK(table_with("https://127.0.0.1:3129").right);
  CHECK(has(table_with("http://localhost:3129"), cause));
  CHECK(has(table_with("http://172.17.0.1:3129"), "  cause: that is not culvert\n"));
  const CheckTable rootless = table_with("http://10.0.2.2:3129", "docker-rootless");
  INFO(rootless.text);
  CHECK(has(rootless, cause));
  CHECK(has(rootless, "docker-rootless --listen https://10.0.2.2:3129 --root R --install\n"));
  CHECK(table_with("https://10.0.2.2:3129", "docker-rootless").right);
  facts.container_url = "https://172.17.0.1:3129";
  CHECK(has(table_with("http://172.17.0.1:3129"), cause));
  CHECK(table_with("https://172.17.0.1:3129").right);
  facts.proxy_url = "http://127.0.0.1:3129";
  CHECK(has(table_with("http://172.17.0.1:3129"), cause));
  CHECK(table_with("http://127.0.0.1:3129").right);
}

TEST_CASE("a running culvert at another port is right, too") {
  const TemporaryRoot root;
  root.write(kDropIn, drop_in_with("HTTPS_PROXY=http://127.0.0.1:9 HTTP_PROXY=http://127.0.0.1:9"));
  CHECK_FALSE(table_of(root, {"docker"}).right);
  CHECK(table_of(root, {"docker"}, {{7, {HostPort::parse("127.0.0.1:9").value()}}}).right);
}

TEST_CASE("loopback is not right for containers") {
  const TemporaryRoot root;
  root.write("/root/.docker/config.json",
             R"({"proxies": {"default": {"httpsProxy": "http://127.0.0.1:3128"}}})");
  const CheckTable table = table_of(root, {"docker-client"});
  CHECK_FALSE(table.right);
  CHECK(has(table, "culvert setup docker-client --bridge --root R --install") !=
        has(table, "proxies.default.httpsProxy already"));
}

TEST_CASE("the table names what stands in the way of the command") {
  const TemporaryRoot root;
  root.write("/root/.docker/config.json", "{");
  const CheckTable table = table_of(root, {"docker-client"});
  CHECK_FALSE(table.right);
  CHECK(has(table, "fix: /root/.docker/config.json: line 1, column "));
}

TEST_CASE("the command makes it right, whatever else is there; else it says what comes first") {
  const std::string line = "[Service]\nEnvironment=HTTPS_PROXY=http://x:1\n";
  const TemporaryRoot root;
  root.write("/etc/systemd/system/docker.service.d/http-proxy.conf", line);
  CHECK(has(table_of(root, {"docker"}), "  fix: culvert setup docker --root R --install\n"));
  const Plan plan = find_setup_target("docker")->plan(root.facts());
  root.write(plan.files.at(0).path, plan.files.at(0).with.value());
  CHECK(table_of(root, {"docker"}).right);
  root.write("/run/systemd/system/docker.service.d/zzz.conf", line);
  CHECK(has(table_of(root, {"docker"}),
            "  fix: /run/systemd/system/docker.service.d/zzz.conf sets a proxy, too, and wins, as "
            "its name is later: remove it; then culvert setup docker --root R --install\n"));
}

TEST_CASE("a rootless dockerd has a row where a user has its unit") {
  const TemporaryRoot root;
  root.write("/usr/bin/dockerd-rootless.sh", "");
  CHECK(table_of(root).right);
  root.write("/root/.config/systemd/user/docker.service", "[Service]\n");
  CHECK(has(table_of(root),
            "rootless dockerd   no proxy                      no\n  fix: culvert "
            "setup docker-rootless --listen 10.0.2.2:3128 --root R --install\n"));
  const auto install = [&](const std::string& url) {
    SetupFacts facts = root.facts();
    facts.proxy_url = url;
    const FileEdit edit = find_setup_target("docker-rootless")->plan(facts).files.at(0);
    root.write(edit.path, edit.with.value());
  };
  install("http://127.0.0.1:3128");
  CHECK(has(table_of(root), "  cause: in the network of a rootless dockerd that is itself\n"));
  install("http://10.0.2.2:3128");
  CHECK(table_of(root, {"docker-rootless"}).right);
}

TEST_CASE("the service and the caches have rows of their own") {
  const TemporaryRoot root;
  CHECK(has(table_of(root, {"systemd"}),
            "culvert's service  no service                    no\n"
            "  fix: culvert setup systemd --root R --install\n"));
  CHECK_FALSE(table_of(root, {"systemd"}).right);
  CHECK(has(table_of(root, {"cache"}), "cache              no cache                      no\n"));
  CHECK_FALSE(table_of(root, {"cache"}).right);
  CHECK(table_of(root).right);

  SetupFacts facts = root.facts();
  facts.cache = "127.0.0.1:5000";
  facts.registries = {"gcr.io"};
  for (const char* target : {"systemd", "cache"}) {
    for (const FileEdit& edit : find_setup_target(target)->plan(facts).files) {
      root.write(edit.path, edit.with.value());
    }
  }
  const CheckTable table = table_of(root);
  INFO(table.text);
  CHECK(table.right);
  CHECK(has(table,
            "culvert's service  listens at 127.0.0.1:3128     yes      /etc/systemd/system/"
            "culvert.service\n"));
  CHECK(has(table,
            "cache of gcr.io    http://127.0.0.1:5000         yes      /etc/docker/certs.d/"
            "gcr.io/hosts.toml\n"));
  CHECK(has(table, "/etc/containerd/certs.d/gcr.io/hosts.toml"));
}

TEST_CASE("a URL has the scheme of the listener, and a user where clients sign in") {
  const TemporaryRoot root;
  root.write("/usr/bin/dockerd", "");
  SetupFacts facts = root.facts();
  facts.proxy_url = "https://127.0.0.1:3129";
  const auto table_with = [&](const std::string& url) {
    root.write(kDropIn, drop_in_with("HTTPS_PROXY=" + url + " HTTP_PROXY=" + url));
    return check_table(facts, {}, {}, "");
  };
  CHECK(table_with("https://127.0.0.1:3129").right);
  CHECK(has(table_with("http://127.0.0.1:3129"), "cause: culvert speaks TLS alone there"));
  facts.sign_in = true;
  CHECK(has(table_with("https://127.0.0.1:3129"), "cause: clients sign in there, and it names no"));
  CHECK(table_with("https://alice:secret@127.0.0.1:3129").right);
}

}  // namespace
}  // namespace culvert
