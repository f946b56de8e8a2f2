// The TLS of each --listen.
#include "server/tls_listeners.h"

#include "support/catch.h"
#include "support/tls_client.h"

using namespace culvert;
using namespace culvert::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

ListenConfig at(const std::string& ip, const TlsAuthority::Files& files) {
  ListenConfig listen;
  listen.address = {ip, 3128, IpAddress::parse(ip)};
  listen.certificates = {{files.cert, files.key}};
  return listen;
}

}  // namespace

TEST_CASE("each listener with a certificate has a context, all of them the same ticket keys") {
  const auto files = authority().issue("proxy.example");
  const auto other = authority().issue("other.example");
  ListenConfig plain;
  std::vector<std::string> problems;
  std::vector<std::string> warnings;
  const auto made = make_tls_listeners(
      "--listen", {at("127.0.0.1", files), at("::1", files), plain, at("10.0.0.1", other)},
      problems, warnings);
  REQUIRE(made.size() == 4);
  CHECK(problems.empty());
  CHECK(warnings.empty());
  CHECK(made[0] == made[1]);
  CHECK(made[2] == nullptr);
  CHECK(made[3]->ticket_keys() == made[0]->ticket_keys());
}

TEST_CASE("the files of each listener are judged, once for two addresses of one --listen") {
  ListenConfig https = at("::1", {"/none.pem", "/none.key"});
  https.speaks = ListenConfig::Speaks::tls_only;
  ListenConfig pair = https;
  pair.address = {"127.0.0.1", 3128, IpAddress::parse("127.0.0.1")};
  std::vector<std::string> problems;
  std::vector<std::string> warnings;
  const auto made = make_tls_listeners("--listen", {pair, https}, problems, warnings);
  CHECK(made[0] == nullptr);
  CHECK(problems == std::vector<std::string>{
                        "--listen https://127.0.0.1:3128: cannot read /none.pem: No such file or "
                        "directory",
                        "--listen https://127.0.0.1:3128: cannot read /none.key: No such file or "
                        "directory"});
}

TEST_CASE("a certificate that Go refuses for its form is warned about") {
  const TlsAuthority::Certificate wanted{.common_name = "proxy.example", .names = {}};
  const auto files = authority().issue(wanted);
  std::vector<std::string> problems;
  std::vector<std::string> warnings;
  CHECK(make_tls_listeners("--admin", {at("127.0.0.1", files)}, problems, warnings)[0] != nullptr);
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0],
             StartsWith("--admin http://127.0.0.1:3128: ") && Contains("has no subjectAltName"));
}
