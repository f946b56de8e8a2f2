#include "setup/check_table.h"

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

}  // namespace
}  // namespace culvert
