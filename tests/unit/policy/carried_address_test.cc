#include "policy/carried_address.h"

#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

using By = CarriedAddress::By;

struct Found {
  By by;
  std::vector<std::string> addresses;
  bool operator==(const Found&) const = default;
};

Found carried(const char* text) {
  const CarriedAddress found = carried_address(IpAddress::parse(text).value());
  Found out{found.by, {}};
  for (const IpAddress& address : found) out.addresses.push_back(address.to_string());
  return out;
}

}  // namespace

TEST_CASE("the IPv4 address inside an IPv6 address") {
  struct Row {
    const char* address;
    By by;
    const char* carried;
  };
  const Row row = GENERATE(Row{"::ffff:192.0.2.1", By::translation, "192.0.2.1"},
                           Row{"::192.0.2.1", By::translation, "192.0.2.1"},
                           Row{"::2", By::translation, "0.0.0.2"},
                           Row{"::ffff:0:192.0.2.1", By::translation, "192.0.2.1"},
                           Row{"64:ff9b::192.0.2.1", By::translation, "192.0.2.1"},
                           Row{"2002:c000:201::1", By::tunnel, "192.0.2.1"},
                           Row{"2002:c000:201:1:2:3:4:5", By::tunnel, "192.0.2.1"},
                           // RFC 4380 section 4 has the client's address inverted.
                           Row{"2001:0:4136:e378:8000:63bf:3fff:fdd2", By::tunnel, "192.0.2.45"},
                           Row{"2001:db8::5efe:192.0.2.1", By::tunnel, "192.0.2.1"},
                           Row{"2001:db8::200:5efe:192.0.2.1", By::tunnel, "192.0.2.1"});
  INFO(row.address);
  CHECK(carried(row.address) == Found{row.by, {row.carried}});
}

TEST_CASE("RFC 6052 2.4: the text's own examples, under the prefix of local use") {
  const auto may_be = [](const char* address) { return carried(address).addresses; };
  // The other layouts show what they cut out of the middle, if that may be a host at all.
  CHECK(may_be("64:ff9b:1:c000:2:2100::") == std::vector<std::string>{"192.0.2.33", "2.33.0.0"});
  CHECK(may_be("64:ff9b:1:c0:0:221::") == std::vector<std::string>{"192.0.2.33"});
  CHECK(may_be("64:ff9b:1:0:c0:2:2100:0") == std::vector<std::string>{"192.0.2.33", "33.0.0.0"});
  CHECK(may_be("64:ff9b:1::192.0.2.33") == std::vector<std::string>{"192.0.2.33"});
  // No layout has a host.
  CHECK(carried("64:ff9b:1::") == Found{By::translation, {"0.0.0.0"}});
}

TEST_CASE("addresses that carry no other") {
  for (const char* const address :
       {"192.0.2.1", "::", "::1", "2001:db8::1", "fe80::1", "64:ff9b:2::7f00:1",
        "64:ff9b::1:7f00:1", "2003:7f00:1::1", "2001:1:4136:e378:8000:63bf:3fff:fdd2",
        "::fffe:192.0.2.1", "::1:0:192.0.2.1", "2001:db8::5eff:192.0.2.1",
        "2001:db8::100:5efe:192.0.2.1"}) {
    INFO(address);
    CHECK(carried(address) == Found{By::nothing, {}});
  }
}
