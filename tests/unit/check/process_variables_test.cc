#include "check/process_variables.h"

#include "support/catch.h"

using namespace culvert;

using Variables = std::vector<std::string>;

TEST_CASE("dockerd prefers what daemon.json says") {
  const std::string json =
      R"({"proxies": {"http-proxy": "", "https-proxy": "http://b:2", "no-proxy": "c"}})";
  CHECK(pulling_variables("dockerd", {"HTTPS_PROXY=http://a:1", "X=y"}, json) ==
        Variables{"HTTPS_PROXY=http://b:2", "https_proxy=http://b:2", "NO_PROXY=c", "no_proxy=c",
                  "HTTPS_PROXY=http://a:1", "X=y"});
  CHECK(set_by_daemon_json(json) ==
        Variables{"HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"});
  const Variables plain = {"HTTPS_PROXY=http://a:1"};
  CHECK(pulling_variables("containerd", plain, json) == plain);
  for (const char* other :
       {"", "{", "[]", "{}", R"({"proxies": 1})", R"({"proxies": {"https-proxy": 5}})"}) {
    CHECK(pulling_variables("dockerd", plain, other) == plain);
    CHECK(set_by_daemon_json(other).empty());
  }
}

TEST_CASE("k3s hands variables on to its containerd") {
  CHECK(pulling_variables("k3s-server", {"HTTPS_PROXY=a:1", "CONTAINERD_HTTPS_PROXY=b:2"}, "") ==
        Variables{"HTTPS_PROXY=b:2", "HTTPS_PROXY=a:1", "CONTAINERD_HTTPS_PROXY=b:2"});
}
