#include "policy/near_host.h"

#include <string>

#include "support/catch.h"

using namespace culvert;

TEST_CASE("what seems to be near is private by its address or name") {
  for (const std::string near :
       {"10.1.2.3:5000", "172.31.0.1:5000", "192.168.1.5:5000", "100.64.0.1:5000", "169.254.1.1:80",
        "[fd00::5]:5000", "[fe80::1]:5000", "127.0.0.1:5000", "registry:5000", "nas.local:5000",
        "cache.lan:443", "registry.corp.internal:443", "host.home.arpa:443"}) {
    CAPTURE(near);
    CHECK(seems_near(HostPort::parse(near).value()));
  }
  for (const std::string far : {"gcr.io:443", "172.32.0.1:5000", "192.0.2.1:5000", "8.8.8.8:443",
                                "[2001:db8::1]:443", "local.example:443", "lan.example:443"}) {
    CAPTURE(far);
    CHECK_FALSE(seems_near(HostPort::parse(far).value()));
  }
}
