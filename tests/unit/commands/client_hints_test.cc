#include "commands/client_hints.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "net/server_certificate.h"
#include "support/catch.h"
#include "support/sockets.h"
#include "support/tls_server.h"

using namespace culvert;
using culvert::test::TlsAuthority;

using Lines = std::vector<std::string>;

TEST_CASE("each kind of client is told the address") {
  const Lines lines = client_hints("http://127.0.0.1:3128", false, "docker-registry");
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] ==
        "to see it work:  curl -ix http://127.0.0.1:3128 https://gcr.io/v2/  # 401 is good");
  CHECK(
      lines[1] ==
      "for a shell:     export http_proxy=http://127.0.0.1:3128 https_proxy=http://127.0.0.1:3128");
  CHECK(lines[2] ==
        "for a registry:  https_proxy=http://127.0.0.1:3128 docker-registry serve config.yml");
  CHECK(lines[3].ends_with(
      "Environment=HTTP_PROXY=http://127.0.0.1:3128 HTTPS_PROXY=http://127.0.0.1:3128 "
      "NO_PROXY=localhost,127.0.0.1  # and registries of your own"));
}

TEST_CASE("where there is no registry, both names of the program are told") {
  CHECK(client_hints("http://127.0.0.1:3128", false, "")[2].ends_with(
      " registry serve config.yml  # docker-registry in Debian"));
}

TEST_CASE("the registry is called as it is called here") {
  const culvert::test::TempDir dir;
  const char* const before = std::getenv("PATH");
  const std::string path = before == nullptr ? "" : before;
  setenv("PATH", dir.path("").c_str(), 1);
  CHECK(find_registry().empty());
  const auto put = [&](const std::string& name) {
    std::ofstream(dir.path(name)) << "#!/bin/sh\n";
    REQUIRE(chmod(dir.path(name).c_str(), 0755) == 0);
  };
  put("docker-registry");
  CHECK(find_registry() == "docker-registry");
  put("registry");
  CHECK(find_registry() == "registry");
  setenv("PATH", path.c_str(), 1);
}

TEST_CASE("who has to sign in is told where user and password stand") {
  for (const std::string& line : client_hints("https://proxy.lan:3129", true, "")) {
    if (line.starts_with("for ") || line.starts_with("to ")) {
      CHECK(line.find("https://USER:PASSWORD@proxy.lan:3129") != std::string::npos);
    }
  }
}

TEST_CASE("with TLS its CA has to be trusted") {
  const Lines lines = client_hints("https://proxy.lan:3129", false, "");
  REQUIRE(lines.size() == 5);
  CHECK(lines[4].find("update-ca-certificates") != std::string::npos);
}

TEST_CASE("a unix socket is nothing for a proxy variable") {
  const Lines lines = client_hints("", true, "registry");
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("cannot name a unix socket") != std::string::npos);
}

TEST_CASE("nobody is told to connect to every address") {
  CHECK(local_url("http://0.0.0.0:3128") == "http://127.0.0.1:3128");
  CHECK(local_url("https://[::]:3128") == "https://[::1]:3128");
  CHECK(local_url("http://10.0.0.0:3128") == "http://10.0.0.0:3128");
}

TEST_CASE("an address that the certificate is not for is told by a name that it is for") {
  const TlsAuthority authority;
  const auto url = [&](const std::string& given, const std::string& name) {
    const auto files = authority.issue(name);
    std::vector<std::string> problems;
    return verifiable_url(given,
                          ServerCertificate::read({files.cert, files.key}, problems).value());
  };
  CHECK(url("https://10.0.0.5:3129", "proxy.lan") == "https://proxy.lan:3129");
  CHECK(url("https://10.0.0.5:3129", "10.0.0.5") == "https://10.0.0.5:3129");
  CHECK(url("https://[fd00::5]:3129", "fd00::5") == "https://[fd00::5]:3129");
  CHECK(url("https://10.0.0.5:3129", "10.0.0.6") == "https://10.0.0.5:3129");
}
