#include "options/nearest.h"

#include <string>
#include <string_view>
#include <vector>

#include "support/catch.h"

using namespace culvert;

TEST_CASE("the nearest word, if one is near") {
  const std::vector<std::string_view> words = {"serve", "run", "check", "setup", "docker", "crio"};
  CHECK(nearest("serv", words) == "serve");
  CHECK(nearest("sevre", words) == "serve");  // two letters in the wrong order
  CHECK(nearest("rum", words) == "run");
  CHECK(nearest("nur", words).empty());
  CHECK(nearest("dokcre", words) == "docker");
  CHECK(nearest("cri-o", words) == "crio");
  CHECK(nearest("setup", words) == "setup");
  CHECK(nearest("frobnicate", words).empty());
  CHECK(nearest("", words).empty());
  CHECK(nearest("x", words).empty());
  CHECK(nearest("serve", {}).empty());
  CHECK(nearest(std::string(100'000, 's'), words).empty());
}
