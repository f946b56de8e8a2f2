#include "check/upstream_option.h"

#include "support/catch.h"

using namespace culvert;

namespace {

using Kind = UpstreamConfig::Kind;

UpstreamConfig upstream(Kind kind, std::string_view address) {
  UpstreamConfig config;
  config.kind = kind;
  if (kind != Kind::direct) config.address = HostPort::parse(address).value();
  config.label = config.name = std::string(scheme_of(kind)) + "://";
  return config;
}

}  // namespace

TEST_CASE("an upstream's option has all that it was given, and no password") {
  const UpstreamConfig http = upstream(Kind::http, "proxy.example:3128");
  CHECK(upstream_option(http, {}) == "--upstream http://proxy.example:3128");
  CHECK(upstream_option(http, {.scheme = "socks5", .login = true}) ==
        "--upstream socks5://USER:PASSWORD@proxy.example:3128");
  CHECK(upstream_option(upstream(Kind::direct, ""), {}) == "--upstream direct");
  CHECK(upstream_option(upstream(Kind::socks5, "[::1]:1080"), {}) ==
        "--upstream 'socks5://[::1]:1080'");

  UpstreamConfig full = upstream(Kind::https, "proxy.example:3129");
  full.credentials = Credentials{"me", Secret("hush")};
  full.name = "office";
  full.ca = "/etc/my ca.pem";
  full.cert = full.key = "/c.pem";
  full.sni = "p.example";
  full.resolve_local = true;
  full.connect_timeout = std::chrono::seconds(2);
  full.warm = 3;
  full.via = "tunnel";
  CHECK(upstream_option(full, {.login = true}) ==
        "--upstream 'office=https://USER:PASSWORD@proxy.example:3129?ca=/etc/my%20ca.pem&"
        "cert=/c.pem&sni=p.example&resolve=local&connect-timeout=2s&warm=3&via=tunnel'");
  CHECK(upstream_option(full, {.parameter = "ca=FILE.pem", .resolve_remote = true}) ==
        "--upstream 'office=https://proxy.example:3129?cert=/c.pem&sni=p.example&"
        "connect-timeout=2s&warm=3&via=tunnel&ca=FILE.pem'");
  // What only TLS has is left out where there is none.
  CHECK(upstream_option(full, {.scheme = "http"}) ==
        "--upstream 'office=http://proxy.example:3129?resolve=local&connect-timeout=2s&warm=3&"
        "via=tunnel'");
}

TEST_CASE("the option of a tunnel's upstream has the mark again, and is that of all") {
  UpstreamConfig one = upstream(Kind::socks5, "127.0.0.1:31001");
  one.name = "tunnel-2";
  one.group = "tunnel";
  one.tunnel = 2;
  one.warm = 3;
  CHECK(upstream_option(one, {}) == "--upstream 'tunnel=socks5://127.0.0.1:{port}?warm=3'");
  one.address.port = 0;
  one.name = "ours";
  one.group.clear();
  CHECK(upstream_value(one, {}) == "ours=socks5://127.0.0.1:{port}?warm=3");
}
