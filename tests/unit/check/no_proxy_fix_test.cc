#include "check/no_proxy_fix.h"

#include "support/catch.h"

using namespace culvert;

namespace {

Config config_of(std::vector<NoProxyLine> lines) {
  Config config;
  std::string list;
  for (const NoProxyLine& line : lines) list += line.list + ",";
  if (!lines.empty()) config.no_proxy = NoProxy(list);
  config.no_proxy_lines = std::move(lines);
  return config;
}

const HostPort kGcr = HostPort::parse("gcr.io:443").value();

}  // namespace

TEST_CASE("the line of --no-proxy that takes a target out is named, and one that does not") {
  CHECK(no_proxy_fix(config_of({{"--no-proxy", "corp.example,*.io,gcr.io"}}), kGcr) ==
        "--no-proxy corp.example  # in place of --no-proxy corp.example,*.io,gcr.io");
  CHECK(no_proxy_fix(config_of({{"c.toml:1: no-proxy", "a"},
                                {"c.toml:2: no-proxy", "gcr.io"},
                                {"c.toml:3: no-proxy", "b"}}),
                     kGcr) == "--no-proxy a,b  # in place of c.toml:2: no-proxy gcr.io");
  CHECK(no_proxy_fix(config_of({{"CULVERT_NO_PROXY", "*"}}), kGcr) ==
        "--no-proxy localhost  # in place of CULVERT_NO_PROXY *");
  CHECK(no_proxy_fix(config_of({{"--no-proxy", "a"}}), kGcr).empty());
  CHECK(no_proxy_fix(config_of({}), kGcr).empty());
}

TEST_CASE("loopback belongs to any list") {
  const auto local = HostPort::parse("127.0.0.1:5000").value();
  CHECK(no_proxy_fix(config_of({{"--no-proxy", "a"}}), local).find("without any --no-proxy") !=
        std::string::npos);
  CHECK(no_proxy_fix(config_of({}), local).empty());
}

TEST_CASE("a password in --no-proxy is not told") {
  const std::string fix = no_proxy_fix(config_of({{"--no-proxy", "u:secret@h,gcr.io"}}), kGcr);
  CHECK(fix.find("secret") == std::string::npos);
}
