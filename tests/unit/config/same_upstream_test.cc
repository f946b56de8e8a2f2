#include "config/same_upstream.h"

#include <string>
#include <variant>
#include <vector>

#include "options/command_line.h"
#include "support/catch.h"

using namespace culvert;

namespace {

Config config(const std::vector<std::string>& upstreams) {
  std::vector<std::string> arguments;
  for (const std::string& upstream : upstreams) {
    arguments.insert(arguments.end(), {"--upstream", upstream});
  }
  return std::get<Config>(parse_command_line(arguments));
}

std::optional<std::size_t> found(const std::vector<std::string>& before,
                                 const std::vector<std::string>& after, std::size_t index = 0) {
  return same_upstream(config(before), config(after), index);
}

}  // namespace

TEST_CASE("an upstream is found again wherever it stands") {
  CHECK(found({"socks5://a", "http://b"}, {"http://b", "direct://", "socks5://a"}) == 1u);
  CHECK(found({"socks5://a", "http://b"}, {"http://b", "direct://", "socks5://a"}, 1) ==
        std::nullopt);
  CHECK(found({"socks5://a", "http://b"}, {"http://b", "direct://", "socks5://a"}, 2) == 0u);
  // The spelling does not matter.
  CHECK(found({"socks5h://a"}, {"socks5://a:1080"}) == 0u);
}

TEST_CASE("an upstream with another option is another one") {
  const std::string before = "n=socks5://u:p@a:1?connect-timeout=5s&warm=2";
  CHECK(found({before}, {before}) == 0u);
  for (const char* after :
       {"m=socks5://u:p@a:1?connect-timeout=5s&warm=2",
        "n=http://u:p@a:1?connect-timeout=5s&warm=2",
        "n=socks5://u:p@b:1?connect-timeout=5s&warm=2",
        "n=socks5://u:p@a:2?connect-timeout=5s&warm=2",
        "n=socks5://v:p@a:1?connect-timeout=5s&warm=2",
        "n=socks5://u:q@a:1?connect-timeout=5s&warm=2", "n=socks5://a:1?connect-timeout=5s&warm=2",
        "n=socks5://u:p@a:1?connect-timeout=6s&warm=2", "n=socks5://u:p@a:1?connect-timeout=5s",
        "n=socks5://u:p@a:1?warm=2",
        "n=socks5://u:p@a:1?connect-timeout=5s&warm=2&resolve=local"}) {
    CAPTURE(std::string(after));
    CHECK_FALSE(found({before}, {after}));
  }
  CHECK_FALSE(found({"https://a?sni=x"}, {"https://a?sni=y"}));
  CHECK_FALSE(found({"http://a?proxy-protocol=v1"}, {"http://a?proxy-protocol=v2"}));
  CHECK_FALSE(found({"http://a?proxy-protocol=v1"}, {"http://a"}));
  CHECK_FALSE(found({"https://a?ca=/"}, {"https://a?ca=/dev"}));
}

TEST_CASE("an upstream that is reached through another is the same if that one is, too") {
  const std::vector<std::string> before = {"far=socks5://a?via=near", "near=http://b"};
  CHECK(found(before, {"near=http://b", "far=socks5://a?via=near"}, 1) == 0u);
  CHECK_FALSE(found(before, {"near=http://c", "far=socks5://a?via=near"}, 1));
  CHECK_FALSE(found(before, {"near=http://b", "far=socks5://a"}, 1));
}
