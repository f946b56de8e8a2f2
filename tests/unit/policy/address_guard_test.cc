#include "policy/address_guard.h"

#include <optional>
#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

using Client = AddressGuard::Client;
using Egress = AddressGuard::Egress;

IpAddress ip(const std::string& text) { return IpAddress::parse(text).value(); }

HostPort listener(const std::string& text) { return HostPort::parse(text).value(); }

bool nowhere(const IpAddress&) { return false; }
bool at_ten_five(const IpAddress& address) { return address == ip("10.0.0.5"); }

RouteRule rule(const std::string& patterns, std::vector<std::size_t> upstreams) {
  std::vector<std::string> problems;
  RouteRule out{parse_target_patterns(patterns, problems), {std::move(upstreams), "rule"}};
  REQUIRE(problems.empty());
  return out;
}

Router router(std::vector<RouteRule> rules) {
  RoutingTable table;
  table.rules = std::move(rules);
  table.otherwise = {{0}, "default"};
  return Router(std::move(table));
}

/// The objection to a client on another host, "" for none.
std::string objection(const Router& router, const std::string& address, std::uint16_t port = 80) {
  const std::vector<HostPort> none;
  return AddressGuard(none, router, nowhere)
      .objection(ip(address), port, Client::elsewhere, Egress::direct)
      .value_or("");
}

const std::string kTail = ", closed to clients on other hosts unless a --route names it";

}  // namespace

TEST_CASE("clients on other hosts do not get at what trusts this host's place") {
  const Router plain = router({});
  struct Row {
    const char* address;
    const char* place;
  };
  const Row row = GENERATE(
      Row{"127.0.0.1", "a loopback address"},  //
      Row{"127.255.0.9", "a loopback address"}, Row{"::1", "a loopback address"},
      Row{"::ffff:127.0.0.1", "a loopback address"}, Row{"64:ff9b::7f00:1", "a loopback address"},
      Row{"169.254.169.254", "a cloud metadata address"},
      Row{"::ffff:169.254.169.254", "a cloud metadata address"},
      Row{"64:ff9b::a9fe:a9fe", "a cloud metadata address"},
      Row{"fd00:ec2::254", "a cloud metadata address"},
      Row{"168.63.129.16", "a cloud metadata address"}, Row{"169.254.0.1", "a link-local address"},
      Row{"fe80::1", "a link-local address"}, Row{"febf::1", "a link-local address"},
      Row{"0.0.0.0", "an unspecified address"}, Row{"0.1.2.3", "an unspecified address"},
      Row{"::", "an unspecified address"}, Row{"224.0.0.1", "a multicast address"},
      Row{"ff02::1", "a multicast address"},
      // What carries one of these
      Row{"::127.0.0.1", "a loopback address"},
      Row{"::169.254.169.254", "a cloud metadata address"},
      Row{"::ffff:0:127.0.0.1", "a loopback address"},
      Row{"64:ff9b:1::7f00:1", "a loopback address"},
      Row{"64:ff9b:1:a9fe:a9:fe00::", "a cloud metadata address"},
      Row{"2002:7f00:1::1", "a loopback address"},
      Row{"2002:a9fe:a9fe::1", "a cloud metadata address"},
      Row{"2001:0:4136:e378:8000:63bf:80ff:fffe", "a loopback address"},
      Row{"2001:db8::5efe:127.0.0.1", "a loopback address"},
      Row{"fe80::5efe:8.8.8.8", "a link-local address"});
  INFO(row.address);
  CHECK(objection(plain, row.address) == row.place + kTail);
}

TEST_CASE("other addresses are open to everybody") {
  const Router plain = router({});
  for (const char* const address :
       {"10.0.0.1", "192.168.1.1", "1.1.1.1", "169.253.255.255", "172.17.0.1", "2001:db8::1",
        "fc00::1", "fec0::1", "64:ff9b::a00:1", "::ffff:10.0.0.1", "2002:808:808::1", "::8.8.8.8",
        "::ffff:0:8.8.8.8", "64:ff9b:1::808:808",
        "64:ff9b:1:808:8:800::", "64:ff9b:1:fffe::808:808", "2001:0:4136:e378:8000:63bf:f7f7:f7f7",
        "2001:db8::5efe:8.8.8.8"}) {
    INFO(address);
    CHECK(objection(plain, address).empty());
  }
}

TEST_CASE("a route opens the addresses that it names") {
  const Router named = router({rule("169.254.169.254:80,127.0.0.0/8", {0}), rule("::/0", {0}),
                               rule("*", {0}), rule("fe80::/10", {})});
  CHECK(objection(named, "169.254.169.254").empty());
  CHECK(objection(named, "::ffff:169.254.169.254").empty());
  CHECK_FALSE(objection(named, "169.254.169.254", 81).empty());
  CHECK(objection(named, "127.0.0.1").empty());
  // Neither everything nor what is denied is a name.
  CHECK_FALSE(objection(named, "::1").empty());
  CHECK_FALSE(objection(named, "fe80::1").empty());
  CHECK_FALSE(objection(router({rule("0.0.0.0/0", {0})}), "127.0.0.1").empty());
  // A denial that comes first stands.
  const Router denied = router({rule("127.0.0.1", {}), rule("127.0.0.0/8", {0})});
  CHECK_FALSE(objection(denied, "127.0.0.1").empty());
  CHECK(objection(denied, "127.0.0.2").empty());
}

TEST_CASE("a route opens what an address carries") {
  CHECK_FALSE(objection(router({rule("::ffff:0:0/96", {0})}), "127.0.0.1").empty());
  const Router named = router({rule("127.0.0.1", {0}), rule("64:ff9b::/96,2002::/16", {0}),
                               rule("[2002:a9fe:a9fe::1]:80", {0})});
  CHECK(objection(named, "64:ff9b::7f00:1").empty());
  CHECK(objection(named, "2002:7f00:1::1").empty());
  // The route of all of NAT64 does not name what its gateway may take for its own.
  CHECK_FALSE(objection(named, "64:ff9b::7f00:2").empty());
  CHECK_FALSE(objection(named, "64:ff9b::a9fe:a9fe").empty());
  const Router whole = router({rule("[2002:a9fe:a9fe::1]:80", {0})});
  CHECK(objection(whole, "2002:a9fe:a9fe::1").empty());
  CHECK_FALSE(objection(whole, "2002:a9fe:a9fe::1", 81).empty());
  CHECK_FALSE(objection(whole, "2002:a9fe:a9fe::2").empty());
}

TEST_CASE("clients on this host reach all but our listeners") {
  const Router plain = router({rule("127.0.0.0/8", {0})});
  const std::vector<HostPort> listeners = {listener("127.0.0.1:3128"), listener("[::1]:3128"),
                                           listener("0.0.0.0:3130")};
  const AddressGuard guard(listeners, plain, at_ten_five);
  const auto refused = [&](const std::string& address, std::uint16_t port,
                           Egress egress = Egress::direct) {
    return guard.objection(ip(address), port, Client::here, egress).has_value();
  };
  CHECK_FALSE(refused("127.0.0.1", 80));
  CHECK_FALSE(refused("169.254.169.254", 80));
  CHECK_FALSE(refused("127.0.0.2", 3128));

  CHECK(guard.objection(ip("127.0.0.1"), 3128, Client::here, Egress::direct) ==
        "a listener of this proxy itself");
  CHECK(refused("::1", 3128));
  CHECK(refused("::ffff:127.0.0.1", 3128));
  CHECK(refused("0.0.0.0", 3128));
  CHECK(refused("::", 3128));
  CHECK(refused("127.0.0.2", 3130));  // the wildcard is behind all of loopback
  CHECK(refused("10.0.0.5", 3130));
  CHECK_FALSE(refused("10.0.0.6", 3130));
  CHECK_FALSE(refused("10.0.0.5", 3131));
  CHECK_FALSE(refused("::ffff:10.0.0.6", 3130));
  CHECK(refused("64:ff9b::a00:5", 3130));
  CHECK(refused("64:ff9b:1::a00:5", 3130));
  CHECK(refused("::ffff:0:10.0.0.5", 3130));
  // 6to4 leads to the hosts behind that address.
  CHECK_FALSE(refused("2002:a00:5::1", 3130));

  // Beyond an upstream the same address is another place.
  CHECK_FALSE(refused("127.0.0.1", 3128, Egress::through_upstream));
}

TEST_CASE("clients on other hosts do not come back as clients on this one") {
  const std::vector<HostPort> listeners = {listener("127.0.0.1:3128"), listener("10.0.0.5:3128")};
  const auto refused = [&](const Router& router, const std::string& address, Egress egress) {
    return AddressGuard(listeners, router, nowhere)
        .objection(ip(address), 3128, Client::elsewhere, egress)
        .has_value();
  };
  const Router plain = router({});
  CHECK(refused(plain, "10.0.0.5", Egress::direct));
  CHECK(refused(plain, "10.0.0.5", Egress::through_upstream));
  // A block around the listener is not enough to name it.
  CHECK(refused(router({rule("127.0.0.0/8", {0})}), "127.0.0.1", Egress::direct));
  CHECK_FALSE(refused(router({rule("127.0.0.1:3128", {0})}), "127.0.0.1", Egress::direct));
}

TEST_CASE("RFC 6761 6.3: localhost is loopback whoever looks it up") {
  const std::vector<HostPort> none;
  const auto permitted = [&](const Router& router, const std::string& target,
                             Client client = Client::elsewhere) {
    const AddressGuard guard(none, router, nowhere);
    return AddressCheck{&guard, client}.target(listener(target), Egress::through_upstream);
  };
  const Router plain = router({});
  const std::string name =
      GENERATE("localhost:80", "LocalHost.:80", "registry.localhost:80", "localhost6:80",
               "localhost.localdomain:80", "ip6-localhost:80", "ip6-loopback:80");
  INFO(name);
  const auto refused = permitted(plain, name);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Errc::destination_ip_prohibited);
  CHECK(refused.error().text == "is a loopback name" + kTail);
  CHECK(permitted(plain, name, Client::here).ok());

  CHECK(permitted(router({rule("localhost:80,.localhost,localhost6,localhost.localdomain,"
                               "ip6-localhost,ip6-loopback",
                               {0})}),
                  name)
            .ok());
  CHECK_FALSE(permitted(router({rule("*", {0})}), name).ok());
  CHECK_FALSE(permitted(router({rule("localhost:81", {0})}), "localhost:80").ok());
  for (const char* const other : {"localhosts:80", "notlocalhost:80", "localhost.example:80"}) {
    CHECK(permitted(plain, other).ok());
  }
}

TEST_CASE("a check speaks in clauses and keeps what is permitted") {
  const Router plain = router({});
  const std::vector<HostPort> none;
  const AddressGuard guard(none, plain, nowhere);
  const AddressCheck check{&guard, Client::elsewhere};

  const auto literal = check.target(listener("127.0.0.1:80"), Egress::through_upstream);
  REQUIRE_FALSE(literal.ok());
  CHECK(literal.error().code == Errc::destination_ip_prohibited);
  CHECK(literal.error().text == "is a loopback address" + kTail);
  CHECK(check.target(listener("10.0.0.1:80"), Egress::direct).ok());

  const auto mixed =
      check.resolved({ip("127.0.0.1"), ip("10.0.0.1"), ip("::1")}, 80, Egress::direct);
  REQUIRE(mixed.ok());
  CHECK(mixed.value() == std::vector<IpAddress>{ip("10.0.0.1")});

  const auto nothing = check.resolved({ip("169.254.169.254"), ip("::1")}, 80, Egress::direct);
  REQUIRE_FALSE(nothing.ok());
  CHECK(nothing.error().text == "resolves to 169.254.169.254, a cloud metadata address" + kTail);

  const AddressCheck unguarded;
  CHECK(unguarded.target(listener("127.0.0.1:80"), Egress::direct).ok());
  CHECK(unguarded.target(listener("localhost:80"), Egress::direct).ok());
  CHECK(unguarded.resolved({ip("::1")}, 80, Egress::direct).value().size() == 1);
}

TEST_CASE("an upstream's proxy is nowhere where we listen ourselves") {
  const Router plain = router({});
  std::vector<HostPort> listeners = {listener("127.0.0.1:3128"), listener("0.0.0.0:8080")};
  const AddressGuard guard(listeners, plain, at_ten_five);
  const AddressCheck check{&guard, Client::ourselves};
  for (const char* const own : {"127.0.0.1:3128", "0.0.0.0:3128", "[::ffff:127.0.0.1]:3128",
                                "127.0.0.9:8080", "10.0.0.5:8080"}) {
    CAPTURE(own);
    const auto fine = check.target(listener(own), Egress::direct);
    REQUIRE_FALSE(fine);
    CHECK(fine.error().code == Errc::proxy_loop_detected);
    CHECK(fine.error().side == Side::upstream);
    CHECK(fine.error().text == "is a listener of this proxy itself");
  }
  for (const char* const other : {"127.0.0.1:1080", "127.0.0.2:3128", "10.0.0.6:8080",
                                  "169.254.169.254:80", "[::1]:3128", "localhost:1080"}) {
    CAPTURE(other);
    CHECK(check.target(listener(other), Egress::direct));
  }
  const auto some = check.resolved({ip("127.0.0.1"), ip("10.0.0.6")}, 3128, Egress::direct);
  REQUIRE(some);
  CHECK(*some == std::vector<IpAddress>{ip("10.0.0.6")});
  const auto none = check.resolved({ip("127.0.0.1")}, 3128, Egress::direct);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == Errc::proxy_loop_detected);
  CHECK(none.error().text == "resolves to 127.0.0.1, a listener of this proxy itself");
}

TEST_CASE("no route makes our own listener an upstream") {
  const Router named = router({rule("127.0.0.1:3128", {0})});
  std::vector<HostPort> listeners = {listener("127.0.0.1:3128")};
  const AddressGuard guard(listeners, named, nowhere);
  CHECK(guard.is_ours(ip("127.0.0.1"), 3128));
  CHECK_FALSE(guard.is_ours(ip("127.0.0.1"), 3129));
}
