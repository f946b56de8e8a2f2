#include "options/via.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

/// Upstreams of these names, each with its via.
std::vector<UpstreamConfig> chain(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::vector<UpstreamConfig> upstreams;
  for (const auto& [name, via] : pairs) {
    UpstreamConfig upstream;
    upstream.kind = name == "d" ? UpstreamConfig::Kind::direct : UpstreamConfig::Kind::socks5;
    upstream.name = name;
    upstream.via = via;
    upstreams.push_back(upstream);
  }
  return upstreams;
}

std::vector<std::string> problems_of(std::vector<UpstreamConfig> upstreams) {
  std::vector<std::string> problems;
  resolve_via(upstreams, std::vector<std::string>(upstreams.size(), "--upstream"), {}, problems);
  return problems;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("chains are followed to their end") {
  auto upstreams =
      chain({{"a", "c"}, {"b", ""}, {"c", "b"}, {"e", "direct"}, {"d", ""}, {"f", "d"}});
  std::vector<std::string> problems;
  resolve_via(upstreams, Lines(upstreams.size(), "--upstream"), {}, problems);
  CHECK(problems.empty());
  CHECK(upstreams[0].via_index == 2u);
  CHECK_FALSE(upstreams[1].via_index.has_value());
  CHECK(upstreams[2].via_index == 1u);
  // Through direct is what happens anyway.
  CHECK_FALSE(upstreams[3].via_index.has_value());
  CHECK_FALSE(upstreams[5].via_index.has_value());
}

TEST_CASE("unknown names") {
  CHECK(problems_of(chain({{"a", "x"}, {"b", "a"}})) ==
        Lines{"--upstream a: via=x: no such upstream (a, b)"});
}

TEST_CASE("a cycle is one problem that names it") {
  CHECK(problems_of(chain({{"a", "a"}})) == Lines{"--upstream a: via goes in a circle: a -> a"});
  CHECK(problems_of(chain({{"a", "b"}, {"b", "c"}, {"c", "a"}})) ==
        Lines{"--upstream a: via goes in a circle: a -> b -> c -> a"});
  // What leads into a cycle is not part of it.
  CHECK(problems_of(chain({{"x", "a"}, {"a", "b"}, {"b", "a"}})) ==
        Lines{"--upstream a: via goes in a circle: a -> b -> a"});
  CHECK(problems_of(chain({{"a", "b"}, {"b", "a"}, {"x", "x"}})).size() == 2);
}

TEST_CASE("a name that may belong to a broken upstream is not unknown, others are") {
  const auto problems = [](const BrokenUpstreams& broken) {
    auto upstreams = chain({{"a", "x"}, {"b", "y"}, {"c", "socks5://h:1"}});
    Lines found;
    resolve_via(upstreams, Lines(upstreams.size(), "--upstream"), broken, found);
    return found.size();
  };
  BrokenUpstreams broken;
  CHECK(problems(broken) == 3);
  broken.add("x");
  CHECK(problems(broken) == 2);
  broken.add("");  // without a name: by its URL
  CHECK(problems(broken) == 1);
}

TEST_CASE("what is kept warm cannot tell its client") {
  std::vector<UpstreamConfig> upstreams = chain({{"a", "b"}, {"b", "c"}, {"c", ""}});
  upstreams[0].warm = 2;
  CHECK(problems_of(upstreams).empty());
  upstreams[0].proxy_protocol = ProxyVersion::v1;
  CHECK(problems_of(upstreams) ==
        Lines{"--upstream a: warm: a connection that is made beforehand cannot tell it its client "
              "(proxy-protocol); leave one of them out"});
  upstreams[0].proxy_protocol.reset();
  upstreams[2].proxy_protocol = ProxyVersion::v2;
  CHECK(problems_of(upstreams) ==
        Lines{"--upstream a: warm: a connection that is made beforehand cannot tell upstream c its "
              "client (proxy-protocol); leave one of them out"});
  upstreams[0].warm = 0;
  CHECK(problems_of(upstreams).empty());
}
