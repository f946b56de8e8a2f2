#include "setup/proxy_settings.h"

#include "support/catch.h"

namespace culvert {
namespace {

using Lines = std::vector<std::string>;

TEST_CASE("variables are found as units, shells and TOML have them") {
  const auto read = [](std::string_view text) {
    return proxy_settings(SettingForm::variables, text);
  };
  const Lines expected = {"HTTPS_PROXY=http://h:1"};
  for (const std::string_view text : {
           "[Service]\nEnvironment=\"HTTPS_PROXY=http://h:1\"\n",
           "Environment='HTTPS_PROXY=http://h:1' OTHER=x\r\n",
           "Environment=A=b HTTPS_PROXY=http://h:1\n",
           "Environment=HTTPS_PROXY=\"http://h:1\"\n",
           "export HTTPS_PROXY='http://h:1'; x\n",
           "env = [\n  \"HTTPS_PROXY=http://h:1\",\n]\n",
           "# HTTPS_PROXY=http://no\nHTTPS_PROXY=http://old\nHTTPS_PROXY=http://h:1",
           "CONTAINERD_HTTPS_PROXY=http://no HTTPS_PROXY=http://h:1",
           "MY_HTTPS_PROXY=http://no HTTPS_PROXY=http://h:1",
       }) {
    INFO(text);
    CHECK(read(text) == expected);
  }
  CHECK(read("Environment=\"HTTP_PROXY=http://u:p%%40@h\"") == Lines{"HTTP_PROXY=http://u:p%40@h"});
  CHECK(read("export http_proxy=$P no_proxy=\"a, b\"") == Lines{"no_proxy=a, b"});
  CHECK(read("HTTPS_PROXY=") == Lines{"HTTPS_PROXY="});
  CHECK(read("https_proxy=\"").size() == 1);
}

TEST_CASE("the settings of docker are found") {
  CHECK(proxy_settings(SettingForm::docker_json,
                       R"({"proxies": {"https-proxy": "http://h:1", "no-proxy": "x"}})") ==
        Lines{"HTTPS_PROXY=http://h:1", "NO_PROXY=x"});
  CHECK(proxy_settings(SettingForm::docker_json,
                       R"({"proxies": {"default": {"httpProxy": "http://h:1"}}})") ==
        Lines{"HTTP_PROXY=http://h:1"});
  CHECK(proxy_settings(SettingForm::docker_json, "{").empty());
}

TEST_CASE("daemons for which docker's client has settings of their own are found") {
  CHECK(daemons_with_own_proxy(R"({"proxies": {"default": {"httpProxy": "a", "x": "y"},
                                               "unix:///a": {"httpProxy": "a"},
                                               "unix:///b": {"httpProxy": "b"},
                                               "tcp://c": {}, "d": "e"}})") ==
        Lines{"unix:///b", "tcp://c"});
  CHECK(daemons_with_own_proxy(R"({"proxies": {"http-proxy": "a"}})").empty());
  CHECK(daemons_with_own_proxy("{").empty());
}

TEST_CASE("k3s gives its containerd the variables that are for it alone, whatever their order") {
  Lines found = proxy_settings(SettingForm::k3s,
                               "CONTAINERD_HTTPS_PROXY='http://h:1'\nHTTPS_PROXY=http://other\n"
                               "NO_PROXY=x\nCONTAINERD_LOG_LEVEL=debug\n");
  CHECK(found ==
        Lines{"CONTAINERD_HTTPS_PROXY=http://h:1", "HTTPS_PROXY=http://other", "NO_PROXY=x"});
  hand_on_to_containerd(found);
  CHECK(found == Lines{"HTTPS_PROXY=http://h:1", "NO_PROXY=x"});
}

TEST_CASE("of two settings for one variable the later counts") {
  Lines environment = {"A=1", "B=2"};
  add_settings(environment, {"B=3", "C=4"});
  CHECK(environment == Lines{"A=1", "B=3", "C=4"});
}

}  // namespace
}  // namespace culvert
