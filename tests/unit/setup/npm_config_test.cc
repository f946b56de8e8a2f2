#include "setup/npm_config.h"

#include "support/catch.h"
#include "support/config_files.h"

namespace culvert {
namespace {

using Lines = std::vector<std::string>;

ConfiguredProxy read(const std::vector<std::string>& texts) {
  return test::configured_by(read_npm, SettingForm::npm, texts);
}

TEST_CASE("npm's settings are read as npm reads them") {
  const auto settings = read_npm_settings(
      "a=1\n b = \"x\\\"y\" \n; c=1\n#d=1\ne='f'\nf=g;h\ni=j\\;k\nalone\n//r/:_x=1\r\n"
      "[section]\na=2\n");
  CHECK(settings == std::map<std::string, std::string>{{"//r/:_x", "1"},
                                                       {"a", "1"},
                                                       {"alone", "true"},
                                                       {"b", "x\"y"},
                                                       {"e", "f"},
                                                       {"f", "g"},
                                                       {"i", "j;k"}});
}

TEST_CASE("the first section of an npmrc ends its settings") {
  CHECK(end_of_npm_settings("a=1\n[s]\nb=1\n") == 4);
  CHECK(end_of_npm_settings("[s]\n") == 0);
  CHECK(end_of_npm_settings("a=1") == 3);
  CHECK(end_of_npm_settings("") == 0);
  CHECK(end_of_npm_settings("[a=1\n [s]\n[s] x\n") == 16);
}

TEST_CASE("settings are taken out where they have the value") {
  const std::string text = "a=1\nb = \"2\"\n# b=2\nc=3\n[s]\na=1\n";
  CHECK(without_npm_settings(text, {{"a", "0"}, {"b", "2"}, {"c", "3"}}) ==
        "a=1\n# b=2\n[s]\na=1\n");
  CHECK(without_npm_settings("p=http://a/\nq[]=x,y\np=http://a/b\np=http://a//\n",
                             {{"p", "http://a"}, {"q", "x,y"}}) == "p=http://a/b\np=http://a//\n");
}

TEST_CASE("npm uses proxy for https, too, unless https-proxy says something else") {
  CHECK(read({"proxy=http://a"}).environment ==
        Lines{"HTTP_PROXY=http://a", "HTTPS_PROXY=http://a"});
  const ConfiguredProxy configured =
      read({"https-proxy=http://a\nproxy=http://a\nnoproxy=x,y\n", "https-proxy=http://b\n"});
  CHECK(configured.environment ==
        Lines{"HTTP_PROXY=http://a", "HTTPS_PROXY=http://b", "NO_PROXY=x,y"});
  CHECK(configured.path == "/1");
  CHECK(read({"[s]\nproxy=http://a"}).environment.empty());
  CHECK(read({"proxy=${P}"}).environment.empty());
  CHECK(read({"proxy=http://a", "proxy=false"}).environment ==
        Lines{"HTTP_PROXY=", "HTTPS_PROXY="});
}

}  // namespace
}  // namespace culvert
