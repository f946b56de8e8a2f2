#include "commands/proxy_environment.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

constexpr std::string_view kUrl = "http://127.0.0.1:3128";

using Variables = std::vector<std::string>;

/// What `before` becomes, to be asked for single variables.
struct After {
  explicit After(const Variables& before) : made(proxy_environment(before, kUrl)) {}

  /// nullopt: not set.
  std::optional<std::string> operator[](std::string_view name) const {
    std::optional<std::string> value;
    for (const std::string& variable : made.variables) {
      if (!variable.starts_with(std::string(name) + "=")) continue;
      CHECK_FALSE(value);  // no variable is there twice
      value = variable.substr(name.size() + 1);
    }
    return value;
  }

  ProxyEnvironment made;
};

}  // namespace

TEST_CASE("a program's environment names our proxy, and no other") {
  const After after({"PATH=/bin", "HTTP_PROXY=http://old:1", "https_proxy=http://old:2", "A=b=c"});
  for (const char* name : {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"}) {
    CAPTURE(name);
    CHECK(after[name] == kUrl);
  }
  CHECK(after["PATH"] == "/bin");
  CHECK(after["A"] == "b=c");
  CHECK(after["NODE_USE_ENV_PROXY"] == "1");
  CHECK(after.made.remark.empty());
}

TEST_CASE("variables that clients prefer to ours are taken out, in any case of letters") {
  for (const std::string name :
       {"ALL_PROXY", "all_proxy", "All_Proxy", "FTP_PROXY", "ftp_proxy", "socks_proxy",
        "grpc_proxy", "no_grpc_proxy", "auto_proxy", "NPM_CONFIG_PROXY", "npm_config_http_proxy",
        "npm_config_noproxy", "NPM_CONFIG_NOPROXY", "Http_Proxy", "CLOUDSDK_PROXY_PASSWORD",
        "http_proxy_pass", "YARN_NO_PROXY", "npm_config_https-proxy"}) {
    CAPTURE(name);
    CHECK_FALSE(After({name + "=socks5://old:1080"})[name]);
  }
}

TEST_CASE("variables for one client name our proxy, if they were set") {
  const After after({"PIP_PROXY=http://old:1", "cargo_http_proxy=", "RSYNC_PROXY=old:1"});
  CHECK(after["PIP_PROXY"] == kUrl);
  CHECK(after["cargo_http_proxy"] == kUrl);
  CHECK(after["RSYNC_PROXY"] == "127.0.0.1:3128");
  CHECK_FALSE(after["UV_HTTP_PROXY"]);
}

TEST_CASE("what is no proxy's address stays") {
  const Variables before = {"GOPROXY=https://proxy.example",
                            "ELECTRON_GET_USE_PROXY=1",
                            "MY_PROXY=x",
                            "REQUEST_METHOD=GET",
                            "JAVA_TOOL_OPTIONS=-Dx=y",
                            "no equals sign"};
  const After after(before);
  for (const std::string& variable : before) {
    CAPTURE(variable);
    const auto& made = after.made.variables;
    CHECK(std::find(made.begin(), made.end(), variable) != made.end());
  }
}

TEST_CASE("npm and Yarn do not use the environment unless they are told to") {
  const After after({"npm_config_proxy=http://old:1"});
  for (const char* name :
       {"npm_config_proxy", "npm_config_https_proxy", "YARN_HTTP_PROXY", "YARN_HTTPS_PROXY"}) {
    CAPTURE(name);
    CHECK(after[name] == kUrl);
  }
}

TEST_CASE("exceptions of both spellings are kept, each once, and this host is one") {
  struct Case {
    Variables before;
    const char* exceptions;
  };
  const std::vector<Case> cases = {
      {{}, "localhost,127.0.0.1"},
      {{"NO_PROXY="}, "localhost,127.0.0.1"},
      {{"NO_PROXY=.corp,10.0.0.0/8"}, ".corp,10.0.0.0/8,localhost,127.0.0.1"},
      {{"no_proxy=.corp"}, ".corp,localhost,127.0.0.1"},
      {{"no_proxy=b, A ,localhost", "NO_PROXY=a,,127.0.0.1"}, "a,127.0.0.1,b,localhost"},
      {{"NO_PROXY=a", "NO_PROXY=c"}, "a,c,localhost,127.0.0.1"},
  };
  for (const Case& one : cases) {
    const After after(one.before);
    CAPTURE(one.exceptions);
    CHECK(after["NO_PROXY"] == one.exceptions);
    CHECK(after["no_proxy"] == one.exceptions);
    CHECK(after.made.remark.empty());
  }
}

TEST_CASE("an exception for everything would be no proxy at all") {
  const After after({"no_proxy=*", "NO_PROXY=a"});
  CHECK(after["NO_PROXY"] == "a,localhost,127.0.0.1");
  CHECK(after.made.remark.starts_with("NO_PROXY=* would keep the command from the proxy"));
}

TEST_CASE("our own variables, which may hold passwords, are no program's business") {
  const After after({"CULVERT_UPSTREAM=socks5://me:hush@proxy:1080", "CULVERT=kept"});
  CHECK_FALSE(after["CULVERT_UPSTREAM"]);
  CHECK(after["CULVERT"] == "kept");
  for (const std::string& variable : after.made.variables) {
    CHECK(variable.find("hush") == std::string::npos);
  }
}
