#include "commands/client_hints.h"

#include <string>
#include <vector>

#include "net/server_certificate.h"
#include "support/catch.h"
#include "support/tls_server.h"

using namespace culvert;
using culvert::test::TlsAuthority;

using Lines = std::vector<std::string>;

TEST_CASE("each kind of client is told the address") {
  const Lines lines = client_hints("http://127.0.0.1:3128", false);
  REQUIRE(lines.size() == 3);
  CHECK(
      lines[0] ==
      "for a shell:     export http_proxy=http://127.0.0.1:3128 https_proxy=http://127.0.0.1:3128");
  CHECK(lines[1] == "for a registry:  https_proxy=http://127.0.0.1:3128 registry serve config.yml");
  CHECK(lines[2].ends_with(
      "Environment=HTTP_PROXY=http://127.0.0.1:3128 HTTPS_PROXY=http://127.0.0.1:3128 "
      "NO_PROXY=localhost,127.0.0.1"));
}

TEST_CASE("who has to sign in is told where user and password stand") {
  for (const std::string& line : client_hints("https://proxy.lan:3129", true)) {
    if (line.starts_with("for ")) {
      CHECK(line.find("=https://USER:PASSWORD@proxy.lan:3129") != std::string::npos);
    }
  }
}

TEST_CASE("with TLS its CA has to be trusted") {
  const Lines lines = client_hints("https://proxy.lan:3129", false);
  REQUIRE(lines.size() == 4);
  CHECK(lines[3].find("update-ca-certificates") != std::string::npos);
}

TEST_CASE("a unix socket is nothing for a proxy variable") {
  const Lines lines = client_hints("", true);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("cannot name a unix socket") != std::string::npos);
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
