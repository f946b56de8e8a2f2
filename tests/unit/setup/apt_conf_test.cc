#include "setup/apt_conf.h"

#include "support/catch.h"
#include "support/config_files.h"

namespace culvert {
namespace {

using Lines = std::vector<std::string>;

ConfiguredProxy read(const std::vector<std::string>& texts) {
  return test::configured_by(read_apt, SettingForm::apt, texts);
}

// What apt itself makes of such files is asked in tests/e2e/test_setup.py.
TEST_CASE("apt's options are found in each form, and https has http's proxy") {
  const Lines both = {"HTTP_PROXY=http://a:1", "HTTPS_PROXY=http://a:1"};
  for (const std::string text : {
           "Acquire { http { Proxy \"http://a:1\"; }; };",
           "Acquire{http{Proxy \"http://a:1\";}}\n",
           "acquire::HTTP::proxy \"http://a:1\" ; // x\n# y\nAcquire::http::Proxy::h \"DIRECT\";",
           "/* Acquire::http::Proxy \"no\"; */ Acquire::http::Proxy\n \"http://a:1\"\n;",
           "Acquire::http { Proxy \"http://a:1\" { h \"DIRECT\"; }; };",
           "Acquire::http::Proxy \"http://no\"; # no\nAcquire::http::Proxy \"http://a:1\";",
           "Acquire::https::Proxy \"no\"; #clear Acquire::https;\n"
           "Acquire::http::Proxy \"http://a:1\";",
           "Acquire { http::Proxy \"http://\"a:1; };",
           "Acquire::http::Proxy \"http:%2f%2f\"a:1;",
           "Acquire::http::Prox%79 http:%2f%2fa:1; Acquire::https::Proxy \"\";",
       }) {
    INFO(text);
    CHECK(read({text}).environment == both);
  }
  CHECK(read({"Acquire::http::Proxy \"http://u:%40@\"\"a:1\";"}).environment[0] ==
        "HTTP_PROXY=http://u:%40@a:1");
  CHECK(read({"Acquire::http::Proxy \"DIRECT\";"}).environment ==
        Lines{"HTTP_PROXY=", "HTTPS_PROXY="});
  for (const std::string text : {"Acquire::http::Proxy \"a\"", "Acquire::http::Proxy \"a", "}};{;",
                                 "#clear;", "Acquire::http::Proxy;", "/*", "\"", "#"}) {
    INFO(text);
    CHECK(read({text}).environment.empty());
  }
}

TEST_CASE("apt's later file counts") {
  const ConfiguredProxy configured = read(
      {"Acquire::http::Proxy \"http://a:1\";", "Acquire::https::Proxy \"http://b:1\";", "x y;"});
  CHECK(configured.environment == Lines{"HTTP_PROXY=http://a:1", "HTTPS_PROXY=http://b:1"});
  CHECK(configured.path == "/1");
}

TEST_CASE("http:// and https:// that go different ways are a mistake of the later file") {
  const std::string both =
      "Acquire::http::Proxy \"http://a:1\";Acquire::https::Proxy \"http://a:1\";";
  CHECK(read({both, "x y;"}).mistake.empty());
  for (const std::string later :
       {"Acquire::http::Proxy \"DIRECT\";", "#clear Acquire::http::Proxy;", "#clear Acquire::http;",
        "Acquire::http::Proxy \"\";"}) {
    INFO(later);
    const ConfiguredProxy configured = read({both, later});
    CHECK(configured.path == "/1");
    CHECK(configured.mistake == "/1: http:// URLs have no proxy, https:// do");
  }
  const ConfiguredProxy other = read({both, "Acquire::http::Proxy \"http://u:pw@b:1\";"});
  CHECK(other.path == "/1");
  CHECK(other.mistake == "/1: http:// has another proxy than https://");
  CHECK(read({"Acquire::http::Proxy \"http://a:1\";", "#clear Acquire;"}).mistake.empty());
}

TEST_CASE("a file that apt includes is named") {
  const ConfiguredProxy configured = read({"#include \"/x/y\";"});
  CHECK(configured.notes == Lines{"/0 includes /x/y, which is not looked at"});
  CHECK(configured.environment.empty());
}

TEST_CASE("what apt has for single hosts is noted, and a command that it asks is a mistake") {
  CHECK(
      read({"Acquire::http::Proxy::h \"http://x:1\"; Acquire::http::Proxy::i \"DIRECT\";"}).notes ==
      Lines{"/0 has a proxy of its own for h"});
  CHECK(read({"Acquire::http::Proxy \"http://a:1\";", "Acquire::http::ProxyAutoDetect \"/x\";"})
            .mistake ==
        "/1: Acquire::http::ProxyAutoDetect asks a command for the proxy, which "
        "wins");
}

TEST_CASE("apt passes names over that are not its own") {
  for (const char* name : {"50x", "Z", "x.conf", "zz-culvert", "a_b"})
    CHECK(is_apt_conf_name(name));
  for (const char* name : {"x.sh", "x~", "x+", ".x", "x.conf.bak", ""}) {
    CHECK_FALSE(is_apt_conf_name(name));
  }
}

}  // namespace
}  // namespace culvert
