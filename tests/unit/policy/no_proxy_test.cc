#include "policy/no_proxy.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/host_port.h"
#include "support/catch.h"
#include "unit/policy/no_proxy_go.h"

using namespace culvert;
using namespace culvert::test;

namespace {

HostPort target(const std::string& text) {
  auto parsed = HostPort::parse(text);
  INFO(text);
  REQUIRE(parsed.ok());
  return *parsed;
}

}  // namespace

// The rules are those of golang.org/x/net/http/httpproxy: useProxy, init and the matchers.
TEST_CASE("NO_PROXY as Go programs read it") {
  struct Row {
    const char* list;
    const char* target;
    bool direct;
  };
  const Row rows[] = {
      // A star alone is everything, and what stands around it does not matter.
      {"*", "gcr.io:443", true},
      {"*", "192.0.2.1:443", true},
      {"gcr.io,*,example.com", "other.example:443", true},
      {"  * ", "gcr.io:443", true},
      {"*:443", "gcr.io:443", false},
      // A domain is the host and its subdomains.
      {"gcr.io", "gcr.io:443", true},
      {"gcr.io", "us.gcr.io:443", true},
      {"gcr.io", "a.b.gcr.io:80", true},
      {"gcr.io", "notgcr.io:443", false},
      {"gcr.io", "gcr.io.example:443", false},
      {"GCR.IO", "gcr.io:443", true},
      {"io", "gcr.io:443", true},
      // With a leading dot, or "*.", only the subdomains.
      {".gcr.io", "us.gcr.io:443", true},
      {".gcr.io", "gcr.io:443", false},
      {"*.gcr.io", "us.gcr.io:443", true},
      {"*.gcr.io", "gcr.io:443", false},
      // Stars anywhere else are ordinary characters.
      {"*gcr.io", "us.gcr.io:443", false},
      {"g*.io", "gcr.io:443", false},
      {"172.17.*", "172.17.0.1:80", false},
      // Ports.
      {"gcr.io:443", "gcr.io:443", true},
      {"gcr.io:443", "us.gcr.io:443", true},
      {"gcr.io:443", "gcr.io:80", false},
      {"gcr.io:", "gcr.io:80", true},
      {"gcr.io:0443", "gcr.io:443", false},
      {".gcr.io:80", "us.gcr.io:80", true},
      {"*.gcr.io:80", "us.gcr.io:443", false},
      // Commas separate, blanks around an entry go, blanks within do not.
      {"a.example, gcr.io ,b.example", "gcr.io:443", true},
      {"a.example\t,\n gcr.io\n", "gcr.io:443", true},
      {"a.example gcr.io", "gcr.io:443", false},
      {"a.example;gcr.io", "gcr.io:443", false},
      {",,gcr.io,", "gcr.io:443", true},
      // Addresses.
      {"192.0.2.1", "192.0.2.1:80", true},
      {"192.0.2.1", "192.0.2.11:80", false},
      {"192.0.2.1:80", "192.0.2.1:80", true},
      {"192.0.2.1:80", "192.0.2.1:443", false},
      {"2001:db8::1", "[2001:db8::1]:443", true},
      {"2001:0DB8:0::1", "[2001:db8::1]:443", true},
      {"[2001:db8::1]:443", "[2001:db8::1]:443", true},
      {"[2001:db8::1]:443", "[2001:db8::1]:80", false},
      {"[2001:db8::1]", "[2001:db8::1]:443", false},
      {"2001:db8::1:443", "[2001:db8::1:443]:80", true},
      {"::ffff:192.0.2.1", "192.0.2.1:80", true},
      {"192.0.2.1", "[::ffff:192.0.2.1]:80", true},
      {"1", "10.0.0.1:80", false},
      {"0.0.1", "10.0.0.1:80", false},
      // Blocks match addresses only, at any port; bits behind the prefix do not matter.
      {"10.0.0.0/8", "10.1.2.3:80", true},
      {"10.9.9.9/8", "10.1.2.3:80", true},
      {"10.0.0.0/8", "11.0.0.1:80", false},
      {"10.0.0.0/8", "ten.example:80", false},
      {"10.0.0.0/8:80", "10.1.2.3:80", false},
      {"10.0.0.0/33", "10.1.2.3:80", false},
      {"0.0.0.0/0", "192.0.2.1:80", true},
      {"0.0.0.0/0", "[2001:db8::1]:80", false},
      {"2001:db8::/32", "[2001:db8:1::1]:80", true},
      {"2001:db8:1::1/32", "[2001:db8:2::1]:80", true},
      {"2001:db8::/32", "[2001:db9::1]:80", false},
      {"::ffff:10.0.0.0/104", "10.1.2.3:80", true},
      // A mapped address is an IPv4 one.
      {"::/0", "[2001:db8::1]:80", true},
      {"::/0", "192.0.2.1:80", false},
      {"::/0", "[::ffff:192.0.2.1]:80", false},
      {"192.0.2.0/24", "[::ffff:192.0.2.1]:80", true},
      {"172.16.0.0/12", "172.31.255.255:1", true},
      {"172.16.0.0/12", "172.32.0.0:1", false},
      // This host is never proxied, whatever the list.
      {"", "localhost:80", true},
      {"", "127.0.0.1:80", true},
      {"", "127.1.2.3:80", true},
      {"", "[::1]:80", true},
      {"", "[::ffff:127.0.0.1]:80", true},
      {"", "a.localhost:80", false},
      {"", "gcr.io:443", false},
      {"example.com", "localhost:443", true},
      // Malformed entries never match.
      {":80", "gcr.io:80", false},
      {"http://gcr.io", "gcr.io:80", false},
      {"[gcr.io]:443", "gcr.io:443", true},
      {"gcr.io:443:443", "gcr.io:443", false},
      {".", "gcr.io:443", false},
      {"gcr.io.", "gcr.io:443", false},
      {"gcr.io.", "gcr.io.:443", true},
      {"gcr.io.", "us.gcr.io.:443", true},
      {".gcr.io.", "us.gcr.io.:443", true},
      {".gcr.io.", "gcr.io.:443", false},
      {"gcr.io", "us.gcr.io.:443", false},
      {"gcr.io", "gcr.io.:443", false},
      {".", "gcr.io.:443", true},
      {"*.", "gcr.io.:443", true},
      {"localhost", "localhost.:80", false},
      {"", "localhost.:80", false},
  };
  for (const Row& row : rows) {
    INFO('"' << row.list << "\" against " << row.target);
    const NoProxy no_proxy{std::string_view(row.list)};
    CHECK(no_proxy.matches(target(row.target)) == row.direct);
    CHECK(no_proxy.why(target(row.target)).empty() != row.direct);
  }
}

TEST_CASE("a list without what matches a target") {
  const HostPort gcr = target("gcr.io:443");
  CHECK(no_proxy_without("localhost, .io,gcr.io:443,,gcr.io:80,*", gcr) == "localhost,gcr.io:80");
  CHECK(no_proxy_without("10.0.0.0/8,[::1]:80", target("10.1.2.3:443")) == "[::1]:80");
  CHECK(no_proxy_without("*", gcr).empty());
  CHECK(no_proxy_without("\u00e9.example,a\x1b[2J,gcr.io", gcr) == "\u00e9.example");
  CHECK(no_proxy_without("u:secret@h,gcr.io", gcr) == "localhost,127.0.0.1");
}

// Real Go is asked once, by no_proxy_go.sh, and its answers are kept: a Go toolchain costs a test
// run more than all unit tests, and what it says about these lists never changes.
TEST_CASE("9240 decisions are those of Go") {
  std::vector<HostPort> targets;
  for (const char* const text : kGoTargets) targets.push_back(target(text));
  std::size_t count = 0;
  for (const GoAnswers& row : kGoAnswers) {
    const NoProxy no_proxy{std::string_view(row.list)};
    const std::string_view direct = row.direct;
    REQUIRE(direct.size() == targets.size());
    for (std::size_t i = 0; i < direct.size(); ++i, ++count) {
      if (no_proxy.matches(targets[i]) == (direct[i] == '1')) continue;
      FAIL_CHECK('"' << row.list << "\" against " << kGoTargets[i] << ": Go says " << direct[i]);
    }
  }
  CHECK(count == 9240);
}

TEST_CASE("no list at all matches nothing") {
  const NoProxy no_proxy;
  CHECK_FALSE(no_proxy.given());
  CHECK_FALSE(no_proxy.matches(target("localhost:80")));
  CHECK_FALSE(no_proxy.matches(target("127.0.0.1:80")));
  CHECK(no_proxy.why(target("localhost:80")).empty());
}

TEST_CASE("the reason names the entry") {
  const NoProxy no_proxy("a.example, .Corp.example:443,10.0.0.0/8");
  CHECK(no_proxy.why(target("x.corp.example:443")) ==
        "entry .Corp.example:443 stands for subdomains of that host");
  CHECK(no_proxy.why(target("a.example:1")) ==
        "entry a.example stands for that host and its subdomains");
  CHECK(no_proxy.why(target("10.1.1.1:1")) ==
        "entry 10.0.0.0/8 stands for addresses in that block");
  CHECK(no_proxy.why(target("127.0.0.1:1")) ==
        "localhost and loopback addresses are never proxied");
}

TEST_CASE("entries that cannot do what they seem to earn a warning") {
  const char* const futile[] = {"172.17.*",
                                "a b",
                                "http://gcr.io",
                                "[::1]",
                                "10.0.0.0/33",
                                "\xc3\xa4.example",
                                "10.0",
                                ":80",
                                "*.*.example",
                                "gcr.io.",
                                "gcr.io:0443",
                                "192.0.2.1:http",
                                "[::1]:08",
                                "gcr.io:65536",
                                "'gcr.io",
                                "gcr.io'",
                                "\"gcr.io\":443",
                                "\xe2\x80\x9cgcr.io\xe2\x80\x9d",
                                "a.example;gcr.io",
                                "a.example|gcr.io",
                                "$HOSTS",
                                "${HOSTS}",
                                "%HOSTS%",
                                "{{hosts}}",
                                "10.0.0.1-10.0.0.9",
                                "10.0.0.1-9",
                                "2001:db8::1-2001:db8::9",
                                "<local>",
                                "host/path",
                                "10.0.0.256",
                                "10.0.0.0/8/8",
                                "a.0x7f",
                                "10.0.0.0-8.5:80"};
  for (const char* const text : futile) {
    INFO(text);
    CHECK(NoProxy(text).warnings().size() == 1);
  }
  CHECK(NoProxy("gcr.io,.a:80,*.b,10.0.0.0/8,::1,[::1]:80,,192.0.2.1").warnings().empty());
  CHECK(NoProxy("*").warnings().empty());
  CHECK(NoProxy("gcr.io:,192.0.2.1:80").warnings().empty());
  CHECK(NoProxy("a-b.example,_x.example,10-0-0-1.example,10.0.0.1-static.example")
            .warnings()
            .empty());
  CHECK(NoProxy("b\xc3\xbc.example")
            .warnings()
            .at(0)
            .ends_with("write the name in its xn-- form, which the command idn2 prints"));
}

TEST_CASE("the entries of a list, as whoever translates it needs them") {
  using Kind = NoProxy::Kind;
  CHECK(NoProxy().entries().empty());
  const NoProxy list("Example.com:80,.sub.example,10.1.2.3/8,[2001:db8::1]:443");
  const auto& entries = list.entries();
  REQUIRE(entries.size() == 4);
  CHECK(entries[0].kind == Kind::domain);
  CHECK(entries[0].suffix == ".example.com");
  CHECK(entries[0].also_host);
  CHECK(entries[0].port == "80");
  CHECK(entries[1].suffix == ".sub.example");
  CHECK_FALSE(entries[1].also_host);
  CHECK(entries[1].port.empty());
  CHECK(entries[2].kind == Kind::block);
  CHECK(entries[2].base.to_string() == "10.0.0.0");
  CHECK(entries[2].prefix == 8);
  CHECK(entries[3].kind == Kind::address);
  CHECK(entries[3].base.to_string() == "2001:db8::1");
  CHECK(entries[3].port == "443");
  REQUIRE(NoProxy("a.example,*,b.example").entries().size() == 1);
  CHECK(NoProxy("a.example,*,b.example").entries()[0].kind == Kind::all);
}
