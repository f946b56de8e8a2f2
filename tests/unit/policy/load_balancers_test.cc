#include "policy/load_balancers.h"

#include "support/catch.h"

using namespace culvert;

namespace {

std::optional<IpAddress> ip(const char* text) { return IpAddress::parse(text); }
SocketEnd from(const char* text) { return {ip(text).value(), 50001}; }

}  // namespace

TEST_CASE("who is listed is a load balancer, and nobody else") {
  const std::vector<Cidr> listed = {Cidr::parse("10.0.0.0/8").value(),
                                    Cidr::parse("2001:db8::7").value()};
  CHECK(is_load_balancer(listed, ip("10.9.9.9")));
  CHECK(is_load_balancer(listed, ip("::ffff:10.9.9.9")));
  CHECK(is_load_balancer(listed, ip("2001:db8::7")));
  CHECK_FALSE(is_load_balancer(listed, ip("11.0.0.1")));
  CHECK_FALSE(is_load_balancer(listed, ip("2001:db8::8")));
  CHECK_FALSE(is_load_balancer(listed, ip("127.0.0.1")));
  CHECK(is_load_balancer(listed, std::nullopt));
}

TEST_CASE("without a list it is one that runs on this host") {
  CHECK(is_load_balancer({}, ip("127.0.0.1")));
  CHECK(is_load_balancer({}, ip("::1")));
  CHECK(is_load_balancer({}, std::nullopt));
  CHECK_FALSE(is_load_balancer({}, ip("10.0.0.1")));
}

TEST_CASE("a balancer elsewhere cannot make its client one of this host") {
  CHECK(named_client(from("192.0.2.1"), ip("10.0.0.1")) == from("192.0.2.1"));
  CHECK(named_client(from("127.0.0.1"), ip("127.0.0.1")) == from("127.0.0.1"));
  CHECK(named_client(from("::1"), std::nullopt) == from("::1"));
  for (const char* const loopback : {"127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"}) {
    CHECK_FALSE(named_client(from(loopback), ip("10.0.0.1")));
  }
  CHECK_FALSE(named_client(std::nullopt, ip("127.0.0.1")));
}
