#include "admin/proxy_pac.h"

#include "support/catch.h"
#include "unit/options/parsed_line.h"

using namespace culvert;
using namespace culvert::test;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;

namespace {

/// The rules of the function that browsers call.
Lines rules(const std::vector<std::string>& arguments) {
  const std::string text = proxy_pac(config_of(arguments), "PROXY p:1");
  const std::string begin = "  var port = portOf(url);\n";
  const std::size_t at = text.find(begin);
  REQUIRE(at != std::string::npos);
  Lines lines;
  for (const std::string_view line :
       split(std::string_view(text).substr(at + begin.size()), '\n')) {
    if (!line.empty() && line != "}") lines.emplace_back(line);
  }
  return lines;
}

const std::string kThrough = R"(return "PROXY p:1";)";

}  // namespace

TEST_CASE("everything goes through the proxy where nothing is said") {
  CHECK(rules({"--upstream", "socks5://h"}) == Lines{kThrough});
  CHECK_THAT(proxy_pac(config_of({"--upstream", "socks5://h"}), "PROXY p:1"),
             Contains("function FindProxyForURL(url, host) {\n") && EndsWith(";\n}\n"));
}

TEST_CASE("where the default route is direct, so is the browser") {
  CHECK(rules({"--upstream", "direct"}) == Lines{R"(return "DIRECT";)"});
  CHECK(rules({"--upstream", "direct", "--upstream", "socks5://h"}) == Lines{kThrough});
}

TEST_CASE("what --no-proxy names goes directly") {
  CHECK(
      rules({"--upstream", "socks5://h", "--no-proxy",
             "example.com,.sub.example,192.0.2.1:80,10.0.0.0/8,a.example:8080"}) ==
      Lines{
          R"(if (host === "localhost" || host === "::1" || isWithin(host, 2130706432, 8)) return "DIRECT";)",
          R"js(if ((host === "example.com" || isBelow(host, ".example.com"))) return "DIRECT";)js",
          R"js(if (isBelow(host, ".sub.example")) return "DIRECT";)js",
          R"js(if (isWithin(host, 3221225985, 32) && port === "80") return "DIRECT";)js",
          R"js(if (isWithin(host, 167772160, 8)) return "DIRECT";)js",
          R"js(if ((host === "a.example" || isBelow(host, ".a.example")) && port === "8080") return "DIRECT";)js",
          kThrough});
  CHECK(rules({"--upstream", "socks5://h", "--no-proxy", "*"})[1] ==
        R"js(if (true) return "DIRECT";)js");
}

TEST_CASE("IPv6 addresses are compared as texts, and blocks of them are left out") {
  CHECK(
      rules({"--upstream", "socks5://h", "--no-proxy", "2001:DB8::1,[::2]:80,2001:db8::/32"}) ==
      Lines{
          R"(if (host === "localhost" || host === "::1" || isWithin(host, 2130706432, 8)) return "DIRECT";)",
          R"(if (host === "2001:db8::1") return "DIRECT";)",
          R"(if (host === "::2" && port === "80") return "DIRECT";)", kThrough});
}

TEST_CASE("routes in their order") {
  CHECK(rules({"--upstream", "t=socks5://h", "--upstream", "d=direct", "--route",
               "*.intern.example:443,intern.example=d", "--route", "192.0.2.7=d", "--route",
               "10.0.0.0/8=t", "--route", "*:22=d", "--route", "bad.example=deny", "--route",
               "both.example=d,t", "--route", "*=t"}) ==
        Lines{R"js(if (isBelow(host, ".intern.example") && port === "443") return "DIRECT";)js",
              R"js(if (host === "intern.example") return "DIRECT";)js",
              R"js(if (isWithin(host, 3221225991, 32)) return "DIRECT";)js",
              R"js(if (isWithin(host, 167772160, 8)) return "PROXY p:1";)js",
              R"js(if (true && port === "22") return "DIRECT";)js",
              R"js(if (host === "bad.example") return "PROXY p:1";)js",
              R"js(if (host === "both.example") return "PROXY p:1";)js",
              R"js(if (true) return "PROXY p:1";)js", kThrough});
}

TEST_CASE("nothing that is in a list ends a string of the script") {
  Config config = config_of({"--upstream", "socks5://h"});
  config.no_proxy = NoProxy("a\"+alert(1)+\"b,</script>,c\\,d\nreturn,e\xc3\xa9.example");
  const std::string text = proxy_pac(config, "PROXY p:1");
  CHECK_THAT(text, !Contains("alert(1)+\"") && !Contains("</script") && !Contains("\\,") &&
                       !Contains("\nreturn") && !Contains("\xc3"));
  // Between two quotes there is no third, and each line is whole.
  for (const std::string_view line : split(text, '\n')) {
    CHECK(std::count(line.begin(), line.end(), '"') % 2 == 0);
  }
}

TEST_CASE("the proxy for a browser is the first listener that is one for it") {
  CHECK(pac_proxy({"unix:/a", "socks5://x:1", "http://127.0.0.1:3128", "https://p.example:443"},
                  "") == "PROXY 127.0.0.1:3128");
  CHECK(pac_proxy({"https://p.example:8443", "http://127.0.0.1:3128"}, "") ==
        "HTTPS p.example:8443");
  CHECK(pac_proxy({"http://[::1]:3128"}, "localhost") == "PROXY [::1]:3128");
  CHECK(pac_proxy({"unix:/a"}, "localhost").empty());
  CHECK(pac_proxy({}, "localhost").empty());
}

TEST_CASE("a listener of every address is told by that at which the client got here") {
  CHECK(pac_proxy({"http://0.0.0.0:3128"}, "nas") == "PROXY nas:3128");
  CHECK(pac_proxy({"http://[::]:3128"}, "2001:db8::1") == "PROXY [2001:db8::1]:3128");
  CHECK(pac_proxy({"http://0.0.0.0:3128"}, "") == "PROXY 0.0.0.0:3128");
  // It never becomes code.
  CHECK(pac_proxy({"http://0.0.0.0:3128"}, "\"+alert(1)+\"") == "PROXY 0.0.0.0:3128");
  CHECK(pac_proxy({"http://192.0.2.1:3128"}, "nas") == "PROXY 192.0.2.1:3128");
}
