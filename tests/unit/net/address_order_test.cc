#include "net/address_order.h"

#include <map>
#include <string>

#include "base/text.h"
#include "support/catch.h"

using namespace culvert;

namespace {

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

/// `addresses`, of which each is followed by "<" and the source for it if there is a route.
std::string order(std::string_view addresses, bool ipv4_first = false) {
  std::vector<IpAddress> list;
  std::map<std::string, std::string> sources;
  for (const std::string_view entry : split(addresses, ' ')) {
    const std::size_t arrow = entry.find('<');
    list.push_back(ip(entry.substr(0, arrow)));
    if (arrow != std::string_view::npos) {
      sources[list.back().to_string()] = std::string(entry.substr(arrow + 1));
    }
  }
  std::string out;
  const auto source_of = [&](const IpAddress& address) -> std::optional<IpAddress> {
    const auto found = sources.find(address.to_string());
    if (found == sources.end()) return std::nullopt;
    return ip(found->second);
  };
  for (const IpAddress& address : in_order(list, ipv4_first, source_of)) {
    if (!out.empty()) out += ' ';
    out += address.to_string();
  }
  return out;
}

}  // namespace

TEST_CASE("addresses are tried in the order of RFC 6724") {
  // IPv6 first where both work, else what works.
  CHECK(order("192.0.2.1<10.0.0.1 2001:db8::1<2001:db8::2") == "2001:db8::1 192.0.2.1");
  CHECK(order("2001:db8::1 192.0.2.1<10.0.0.1") == "192.0.2.1 2001:db8::1");
  CHECK(order("2001:db8::1 192.0.2.1") == "2001:db8::1 192.0.2.1");
  // With nothing but a unique local address of our own, IPv4 is nearer to the world.
  CHECK(order("2001:db8::1<fd00::1 192.0.2.1<10.0.0.1") == "192.0.2.1 2001:db8::1");
  CHECK(order("fd00::9<fd00::1 192.0.2.1<10.0.0.1") == "fd00::9 192.0.2.1");
  // Nor does a link-local one reach far.
  CHECK(order("2001:db8::1<fe80::1 192.0.2.1<10.0.0.1") == "192.0.2.1 2001:db8::1");
  CHECK(order("127.0.0.1<127.0.0.1 ::1<::1") == "::1 127.0.0.1");
  CHECK(order("2002::1<2001:db8::2 2001:db8::1<2001:db8::2") == "2001:db8::1 2002::1");
  // What is alike keeps its order.
  CHECK(order("192.0.2.3<10.0.0.1 192.0.2.1<10.0.0.1 192.0.2.2<10.0.0.1") ==
        "192.0.2.3 192.0.2.1 192.0.2.2");
  CHECK(order("192.0.2.3") == "192.0.2.3");
}

TEST_CASE("gai.conf's preference of IPv4 counts where both work") {
  CHECK(order("2001:db8::1<2001:db8::2 192.0.2.1<10.0.0.1", true) == "192.0.2.1 2001:db8::1");
  CHECK(order("192.0.2.1 2001:db8::1<2001:db8::2", true) == "2001:db8::1 192.0.2.1");
  CHECK(order("127.0.0.1<127.0.0.1 ::1<::1", true) == "127.0.0.1 ::1");
}

TEST_CASE("the source of a route is found without a packet") {
  CHECK(source_address_for(ip("127.0.0.1")) == ip("127.0.0.1"));
  CHECK_FALSE(source_address_for(ip("255.255.255.255")).has_value());
}
