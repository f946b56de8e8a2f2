#include "options/upstream_options.h"

#include <chrono>
#include <string>

#include "options/help.h"
#include "support/catch.h"
#include "unit/options/parsed_upstream.h"
#include "unit/options/temporary_file.h"

using namespace culvert;
using namespace culvert::test;

TEST_CASE("options of an upstream") {
  using std::chrono::milliseconds;
  CHECK(read("socks5://h?resolve=local").resolve_local);
  CHECK(read("socks5://h/?resolve=LOCAL").resolve_local);
  CHECK_FALSE(read("socks5://h?resolve=remote").resolve_local);
  CHECK(read("socks4a://h?resolve=local").resolve_local);
  CHECK(read("http://h?connect-timeout=500ms").connect_timeout == milliseconds(500));
  CHECK(read("direct?connect-timeout=2").connect_timeout == milliseconds(2000));
  CHECK(read("direct://?connect-timeout=2s").connect_timeout == milliseconds(2000));
  CHECK(read("https://h?sni=Proxy.Example").sni == "proxy.example");

  const TemporaryFile pem("pem");
  const UpstreamConfig both = read("https://h?cert=" + pem.path() + "&ca=" + pem.path());
  CHECK(both.ca == pem.path());
  CHECK(both.cert == pem.path());
  CHECK(both.key == pem.path());  // one file may hold both
  CHECK(read("https://h?ca=/tmp").ca == "/tmp");
  // White space around a value counts nowhere; a blank that is meant is %20.
  CHECK(read("https://h ?ca = /tmp &warm= 2 & sni =a\t").ca == "/tmp");
  CHECK(read("https://h ?ca = /tmp &warm= 2 & sni =a\t").sni == "a");
  CHECK(read("http://h:1 /?via=%20x ").via == " x");
  CHECK(problem_of("https://u:p@h?ca=/me@work/ca.pem")
            .starts_with("https://***@h?ca=/me@work/ca.pem: ca="));

  CHECK(problem_of("socks5://h?sni=x") ==
        "socks5://h?sni=x: unknown option 'sni' of socks5 (resolve, connect-timeout, "
        "password-file, via, warm, proxy-protocol, weight)");
  CHECK(problem_of("direct://?resolve=local") ==
        "direct://?resolve=local: unknown option 'resolve' of direct (connect-timeout, weight)");
  CHECK(problem_of("direct://?warm=3") ==
        "direct://?warm=3: unknown option 'warm' of direct (connect-timeout, weight)");
  CHECK(read("http://h?warm=3").warm == 3);
  CHECK(read("socks5://h").warm == 0);
  CHECK(problem_of("socks5://h?warm=65").find("warm=65: ") != std::string::npos);
  CHECK(read("socks5://h").weight == 1);
  CHECK(read("socks5://h?weight=3").weight == 3);
  CHECK(read("direct?weight=100").weight == 100);
  for (const char* wrong : {"0", "101", "-1", "1.5", "x"}) {
    const std::string url = std::string("socks5://h?weight=") + wrong;
    CHECK(problem_of(url).starts_with(url + ": weight=" + wrong + ": "));
  }
  CHECK(problem_of("direct?via=a") ==
        "direct?via=a: unknown option 'via' of direct (connect-timeout, weight)");
  CHECK(read("http://h?via=a").via == "a");
  CHECK(read("socks5://h?proxy-protocol=v1").proxy_protocol == ProxyVersion::v1);
  CHECK(read("https://h?proxy-protocol=V2").proxy_protocol == ProxyVersion::v2);
  CHECK_FALSE(read("https://h").proxy_protocol);
  CHECK(problem_of("http://h?proxy-protocol=on") ==
        "http://h?proxy-protocol=on: proxy-protocol=on: either v1 or v2");
  CHECK(problem_of("direct?proxy-protocol=v1") ==
        "direct?proxy-protocol=v1: unknown option 'proxy-protocol' of direct (connect-timeout, "
        "weight)");
  CHECK(read("http://h?via=socks5%3A%2F%2Fh%3A1080").via == "socks5://h:1080");
  CHECK(problem_of("socks5://h?resolve=") ==
        "socks5://h?resolve=: option 'resolve' needs a value, as in resolve=...");
  CHECK(problem_of("socks5://h?resolve") ==
        "socks5://h?resolve: option 'resolve' needs a value, as in resolve=...");
  CHECK(problem_of("socks5://h?resolve=maybe") ==
        "socks5://h?resolve=maybe: resolve=maybe: either local or remote");
  CHECK(problem_of("socks5://h?resolve=local&resolve=local") ==
        "socks5://h?resolve=local&resolve=local: option 'resolve' is given twice");
  CHECK(problem_of("https://h?sni=10.0.0.1") ==
        "https://h?sni=10.0.0.1: sni=10.0.0.1: not a host name");
  CHECK(problem_of("http://h?connect-timeout=56s") ==
        "http://h?connect-timeout=56s: connect-timeout=56s: not between 100ms and 55s");
  CHECK(problem_of("https://h?ca=/nonexistent.pem") ==
        "https://h?ca=/nonexistent.pem: ca=/nonexistent.pem: No such file or directory");
  CHECK(problem_of("https://h?key=" + pem.path()).ends_with("option 'key' needs 'cert' beside it"));
  // Every problem is found, not the first alone.
  CHECK(url_problems("https://u:p%@h:0/x?foo=1&ca=/nonexistent&connect-timeout=x").size() >= 4);
}

TEST_CASE("a NUL byte would cut a value in silence") {
  const TemporaryFile pem("x");
  CHECK(problem_of("https://h?ca=" + pem.path() + "%00.pem")
            .ends_with("ca: a value holds no NUL byte (%00)"));
  CHECK(problem_of("https://h?via=a%00b").ends_with("via: a value holds no NUL byte (%00)"));
}

TEST_CASE("a password from a file") {
  const TemporaryFile marked("\xef\xbb\xbfs3cret\n");
  CHECK(read("http://u@h?password-file=" + marked.path()).credentials->password.reveal() ==
        "s3cret");
  const TemporaryFile file("s3cret\r\nsecond line\n");
  const TemporaryFile blanks(" s3 cret \t\n");
  CHECK(read("http://u@h?password-file=" + blanks.path()).credentials->password.reveal() ==
        "s3 cret");
  // One that really ends in a blank
  CHECK(read("http://u:s3cret%20@h").credentials->password.reveal() == "s3cret ");
  const TemporaryFile empty("\nx");
  for (const char* const scheme : {"socks5", "http", "https"}) {
    const UpstreamConfig upstream =
        read(std::string(scheme) + "://user@h?password-file=" + file.path());
    REQUIRE(upstream.credentials.has_value());
    CHECK(upstream.credentials->user == "user");
    CHECK(upstream.credentials->password.reveal() == "s3cret");
  }
  CHECK(read("http://h?password-file=" + file.path()).credentials->user.empty());
  CHECK(
      problem_of("socks5://h?password-file=" + file.path()).find("?password-file= needs a user") !=
      std::string::npos);
  CHECK(problem_of("http://u:p@h?password-file=" + file.path())
            .ends_with("a password and ?password-file= exclude each other"));
  CHECK(problem_of("http://u@h?password-file=" + empty.path()).ends_with("first line is empty"));
  CHECK(problem_of("http://u@h?password-file=/nonexistent").ends_with("No such file or directory"));
  CHECK(problem_of("socks4a://u@h?password-file=" + file.path()).find("unknown option") !=
        std::string::npos);
}

TEST_CASE("names of options, in any case") {
  CHECK(is_upstream_option("ca"));
  CHECK(is_upstream_option("Password-File"));
  CHECK_FALSE(is_upstream_option("password"));
  CHECK_FALSE(is_upstream_option(""));
}

TEST_CASE("help has the limits of an upstream's own timeout") {
  CHECK(help_on(*find_flag("upstream")).find("included, 100ms to 55s") != std::string::npos);
  for (const char* const time : {"100ms", "55s"}) {
    CHECK(read(std::string("direct?connect-timeout=") + time).connect_timeout.has_value());
  }
  for (const char* const time : {"99ms", "55001ms"}) {
    CHECK(problem_of(std::string("direct?connect-timeout=") + time)
              .ends_with("not between 100ms and 55s"));
  }
}
