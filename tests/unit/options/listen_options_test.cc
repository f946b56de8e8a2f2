#include "options/listen_options.h"

#include "support/catch.h"

using namespace culvert;

namespace {

struct Read {
  ListenConfig listen;
  std::string problems;  // in braces
};

Read read(std::string_view query, ListenConfig listen = {}) {
  std::vector<std::string> problems;
  parse_listen_options(query, listen, problems);
  Read out{listen, {}};
  for (const std::string& problem : problems) out.problems += "{" + problem + "}";
  return out;
}

Read read_unix(std::string_view query) {
  ListenConfig listen;
  listen.kind = ListenConfig::Kind::unix_socket;
  return read(query, listen);
}

}  // namespace

TEST_CASE("certificates of a listener") {
  const Read one = read("cert=/a/c%20d.pem&key=/a/key.pem&client-ca=/ca.pem");
  CHECK(one.problems.empty());
  REQUIRE(one.listen.certificates.size() == 1);
  CHECK(one.listen.certificates[0].cert == "/a/c d.pem");
  CHECK(one.listen.certificates[0].key == "/a/key.pem");
  CHECK(one.listen.client_ca == "/ca.pem");
  // Or a client without TLS would get by.
  CHECK(one.listen.speaks == ListenConfig::Speaks::tls_only);
  CHECK(read("cert=a").listen.speaks == ListenConfig::Speaks::any);

  const Read two = read("cert=a&cert=b&key=c");
  CHECK(two.problems.empty());
  REQUIRE(two.listen.certificates.size() == 2);
  CHECK(two.listen.certificates[0].key == "a");
  CHECK(two.listen.certificates[1].key == "c");
}

TEST_CASE("the PROXY protocol of a listener") {
  CHECK(read("proxy-protocol=on").listen.proxy_protocol);
  CHECK(read("Proxy-Protocol=ON").listen.proxy_protocol);
  CHECK_FALSE(read("proxy-protocol=off").listen.proxy_protocol);
  CHECK(read("proxy-protocol=off").problems.empty());
  CHECK(read("proxy-protocol=v2").problems == "{proxy-protocol: write on or off}");
}

TEST_CASE("a listener for metrics alone") {
  CHECK(read("metrics-only=on").listen.metrics_only);
  CHECK_FALSE(read("").listen.metrics_only);
  CHECK_FALSE(read("metrics-only=off").listen.metrics_only);
  CHECK(read("metrics-only=yes").problems == "{metrics-only: write on or off}");
}

TEST_CASE("the file of a unix socket") {
  const Read one = read_unix("mode=0660&owner=root&group=docker");
  CHECK(one.problems.empty());
  CHECK(one.listen.mode == 0660U);
  CHECK(one.listen.owner == "root");
  CHECK(one.listen.group == "docker");
  CHECK(read_unix("mode=777").listen.mode == 0777U);
  for (const char* const mode : {"mode=8", "mode=1777", "mode=rw", "mode=-1", "mode=0660 x"}) {
    INFO(mode);
    CHECK(read_unix(mode).problems == "{mode: permission bits as in 0660}");
  }
}

TEST_CASE("every wrong option of a listener is named") {
  CHECK(read("mode=0660&warm=1").problems ==
        "{option 'mode' is for unix:/path alone}"
        "{unknown option 'warm' of this listener (cert, key, client-ca, proxy-protocol, "
        "metrics-only)}");
  CHECK(read_unix("x=1").problems ==
        "{unknown option 'x' of this listener (cert, key, client-ca, proxy-protocol, "
        "metrics-only, mode, owner, group)}");
  CHECK(read("").problems.starts_with("{an option is missing"));
  CHECK(read("client-ca=a&client-ca=b&cert=c").problems == "{option 'client-ca' is given twice}");
  CHECK(read("client-ca=a").problems == "{option 'client-ca' needs 'cert' beside it}");
  CHECK(read("key=a&cert=b").problems == "{option 'key' needs its 'cert' before it}");
  CHECK(read("cert=a&key=b&key=c").problems == "{option 'key' needs its 'cert' before it}");
  CHECK(read("cert").problems == "{option 'cert' needs a value, as in cert=...}");
  CHECK(read("cert=%").problems == "{cert: a '%' in a value is written %25}");
  CHECK(read("cert=%00").problems == "{cert: a value holds no NUL byte (%00)}");
  ListenConfig plain;
  plain.speaks = ListenConfig::Speaks::http_only;
  CHECK(read("cert=a", plain).problems ==
        "{http-only:// has no TLS; write https:// for nothing but TLS, http:// for both}");
}
