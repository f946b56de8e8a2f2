#include "policy/access_policy.h"

#include <optional>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "support/catch.h"

using namespace culvert;

namespace {

std::vector<Cidr> blocks(const std::vector<std::string>& texts) {
  std::vector<Cidr> out;
  for (const std::string& text : texts) out.push_back(Cidr::parse(text).value());
  return out;
}

bool admits(const AccessPolicy& policy, const std::string& client) {
  return policy.admit(IpAddress::parse(client)).ok();
}

}  // namespace

TEST_CASE("without a list only this host's clients are admitted") {
  const AccessPolicy policy({}, false);
  CHECK(admits(policy, "127.0.0.1"));
  CHECK(admits(policy, "127.9.9.9"));
  CHECK(admits(policy, "::1"));
  CHECK(admits(policy, "::ffff:127.0.0.1"));
  CHECK(policy.admit(std::nullopt).ok());

  CHECK_FALSE(admits(policy, "192.0.2.1"));
  CHECK_FALSE(admits(policy, "10.0.0.1"));
  CHECK_FALSE(admits(policy, "2001:db8::1"));
  CHECK_FALSE(admits(policy, "0.0.0.0"));
}

TEST_CASE("a list admits its blocks and this host's clients") {
  const AccessPolicy policy(blocks({"172.17.0.0/16", "192.0.2.7", "2001:db8::/32"}), false);
  CHECK(admits(policy, "172.17.255.255"));
  CHECK(admits(policy, "::ffff:172.17.0.2"));
  CHECK(admits(policy, "192.0.2.7"));
  CHECK(admits(policy, "2001:db8:1::1"));
  CHECK(admits(policy, "127.0.0.1"));
  CHECK(policy.admit(std::nullopt).ok());

  // Whose address only carries one of the list may be anybody.
  CHECK_FALSE(admits(policy, "2002:ac11:2::1"));
  CHECK_FALSE(admits(policy, "64:ff9b::172.17.0.2"));
  CHECK_FALSE(admits(policy, "::127.0.0.1"));
  CHECK_FALSE(admits(policy, "172.18.0.1"));
  CHECK_FALSE(admits(policy, "192.0.2.8"));
  CHECK_FALSE(admits(policy, "2001:db9::1"));
}

TEST_CASE("an open proxy admits everybody") {
  const AccessPolicy policy({}, true);
  CHECK(admits(policy, "192.0.2.1"));
  CHECK(admits(policy, "2001:db8::1"));
}

TEST_CASE("a refusal names the client and the flag that helps") {
  const AccessPolicy policy({}, false);
  const Result<void> refused = policy.admit(IpAddress::parse("::ffff:192.0.2.1"));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Errc::http_request_denied);
  CHECK(refused.error().side == Side::client);
  CHECK(refused.error().text ==
        "client 192.0.2.1 may not use this proxy - start culvert with --allow-client 192.0.2.1");
}

TEST_CASE("a certificate does in place of a list, not beside one") {
  const auto other = IpAddress::parse("203.0.113.1");
  constexpr bool kCertified = true;
  CHECK(AccessPolicy({}, false).admit(other, kCertified).ok());
  CHECK_FALSE(AccessPolicy({}, false).admit(other).ok());
  CHECK(AccessPolicy(blocks({"203.0.113.0/24"}), false).admit(other, kCertified).ok());
  CHECK_FALSE(AccessPolicy(blocks({"10.0.0.0/8"}), false).admit(other, kCertified).ok());
}
