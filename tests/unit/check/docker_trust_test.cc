#include "check/docker_trust.h"

#include <sys/stat.h>

#include <fstream>
#include <string>

#include "support/catch.h"
#include "support/sockets.h"
#include "unit/setup/temporary_root.h"

using namespace culvert;

namespace {

HostPort host(const std::string& text) { return HostPort::parse(text, 443).value(); }

}  // namespace

TEST_CASE(
    "docker speaks plain HTTP with the registries that daemon.json lists, and with loopback") {
  const std::string listed =
      R"({"insecure-registries":["Cache:5000","10.0.0.0/8","plain.example"]})";
  CHECK(is_insecure_registry(listed, host("cache:5000")));
  CHECK_FALSE(is_insecure_registry(listed, host("cache:5001")));
  CHECK(is_insecure_registry(listed, host("10.1.2.3:5000")));
  CHECK_FALSE(is_insecure_registry(listed, host("11.1.2.3:5000")));
  CHECK(is_insecure_registry(listed, host("plain.example:80")));
  CHECK_FALSE(is_insecure_registry(listed, host("gcr.io")));
  for (const char* const json : {"", "{", "[]", R"({"insecure-registries":"cache:5000"})",
                                 R"({"insecure-registries":[5]})"}) {
    CHECK_FALSE(is_insecure_registry(json, host("cache:5000")));
    CHECK(is_insecure_registry(json, host("localhost:5000")));
    CHECK(is_insecure_registry(json, host("127.0.0.2:5000")));
    CHECK(is_insecure_registry(json, host("[::1]:5000")));
  }
}

TEST_CASE("docker's own CA for a registry is found") {
  test::TempDir folder;
  CHECK(docker_ca_file(folder.path(""), host("cache:5000")).empty());
  const std::string parent = folder.path("certs.d");
  REQUIRE(mkdir(parent.c_str(), 0755) == 0);
  REQUIRE(mkdir((parent + "/cache:5000").c_str(), 0755) == 0);
  CHECK(docker_ca_file(folder.path("."), host("cache:5000")).empty());
  for (const char* const name : {"z.crt", "ca.crt", "client.cert"}) {
    std::ofstream(parent + "/cache:5000/" + name) << name;
  }
  const std::string found = docker_ca_file(folder.path("."), host("cache:5000"));
  CHECK(found.ends_with("/certs.d/cache:5000/ca.crt"));
  CHECK(docker_host(host("gcr.io")) == "gcr.io");
  CHECK(docker_client_files(folder.path("."), host("cache:5000")).cert.empty());
  std::ofstream(parent + "/cache:5000/client.key") << "key";
  const DockerClientFiles own = docker_client_files(folder.path("."), host("cache:5000"));
  CHECK(own.cert.ends_with("/cache:5000/client.cert"));
  CHECK(own.key.ends_with("/cache:5000/client.key"));
}

TEST_CASE("daemon.json is read as its engine sees it, and nothing is waited for") {
  const TemporaryRoot root;
  CHECK(read_daemon_json(root.path(), "/etc/docker").empty());
  root.write("/data/daemon.json", "{}");
  root.link("/etc/docker", "/data");
  CHECK(read_daemon_json(root.path(), "/etc/docker") == "{}");
  root.link("/pipe/daemon.json", "fifo");
  REQUIRE(mkfifo((root.path() + "/pipe/fifo").c_str(), 0600) == 0);
  CHECK(read_daemon_json(root.path(), "/pipe").empty());
}
