#include "dial/tcp_dial.h"

#include "support/catch.h"

using namespace culvert;

namespace {

std::vector<IpAddress> addresses(const std::vector<std::string>& texts) {
  std::vector<IpAddress> out;
  for (const std::string& text : texts) out.push_back(*IpAddress::parse(text));
  return out;
}

std::vector<std::string> interleaved(const std::vector<std::string>& texts) {
  std::vector<std::string> out;
  for (const IpAddress& address : interleave_families(addresses(texts))) {
    out.push_back(address.to_string());
  }
  return out;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("families alternate, beginning with that of the first address") {
  CHECK(interleaved({"2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2"}) ==
        Texts{"2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2"});
  CHECK(interleaved({"192.0.2.1", "2001:db8::1", "2001:db8::2"}) ==
        Texts{"192.0.2.1", "2001:db8::1", "2001:db8::2"});
}

TEST_CASE("a family that is the longer one ends the list, in its own order") {
  CHECK(interleaved({"2001:db8::1", "192.0.2.1", "192.0.2.2", "192.0.2.3"}) ==
        Texts{"2001:db8::1", "192.0.2.1", "192.0.2.2", "192.0.2.3"});
  CHECK(interleaved({"2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1"}) ==
        Texts{"2001:db8::1", "192.0.2.1", "2001:db8::2", "2001:db8::3"});
}

TEST_CASE("one family stays as it is, and nothing stays nothing") {
  CHECK(interleaved({"192.0.2.1", "192.0.2.2"}) == Texts{"192.0.2.1", "192.0.2.2"});
  CHECK(interleaved({}).empty());
}
