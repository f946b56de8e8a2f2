#include "host/proxy_variables.h"

#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

using Variables = std::vector<std::string>;

constexpr std::string_view kRight = "http://127.0.0.1:3128";

ProxyVariables read(const Variables& environment) {
  return read_proxy_variables(environment, kRight);
}

std::string https_of(const Variables& environment) {
  const auto found = read(environment);
  return found.https ? found.https->variable + " " + found.https->url() : "";
}

HostPort host(std::string_view text) { return HostPort::parse(text, 443).value(); }

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("the proxy of https:// URLs is read as Go reads it") {
  struct Case {
    Variables environment;
    const char* https;
  };
  const Case cases[] = {
      {{}, ""},
      {{"https_proxy="}, ""},
      {{"https_proxy=http://127.0.0.1:3128"}, "https_proxy http://127.0.0.1:3128"},
      {{"https_proxy=127.0.0.1:3128"}, "https_proxy http://127.0.0.1:3128"},
      {{"https_proxy=a:1", "HTTPS_PROXY=b:2"}, "HTTPS_PROXY http://b:2"},
      {{"https_proxy=a:1", "HTTPS_PROXY="}, "https_proxy http://a:1"},
      {{"HTTPS_PROXY_X=b:2"}, ""},
      {{"https_proxy=http://user:secret@proxy.example:3128"},
       "https_proxy http://proxy.example:3128"},
      {{"https_proxy=http://proxy.example"}, "https_proxy http://proxy.example:80"},
      {{"https_proxy=https://proxy.example"}, "https_proxy https://proxy.example:443"},
      {{"https_proxy=socks5://127.0.0.1"}, "https_proxy socks5://127.0.0.1:1080"},
      {{"https_proxy=http://[::1]:3128"}, "https_proxy http://[::1]:3128"},
      {{"https_proxy=http://u:p%w@h:1"}, ""},
      {{"ALL_PROXY=http://h:1"}, ""},
  };
  for (const Case& one : cases) {
    CAPTURE(one.environment);
    CHECK(https_of(one.environment) == one.https);
  }
}

TEST_CASE("each mistake has its cause and the line that mends it") {
  struct Case {
    Variables environment;
    const char* cause;
    const char* line;
  };
  const Case cases[] = {
      {{"https_proxy=https://127.0.0.1:3128"},
       "makes clients speak TLS to the proxy",
       "export https_proxy=http://127.0.0.1:3128"},
      {{"https_proxy=http://http://127.0.0.1:8080"},
       "misspelt, so that Go programs take \"http\" for the proxy's host: its scheme",
       "export https_proxy=http://127.0.0.1:8080"},
      {{"https_proxy=http:/127.0.0.1:8080"},
       "take \"http\" for",
       "export https_proxy=http://127.0.0.1:8080"},
      {{"https_proxy=http://HTTPS://me:secret@h:8080/"},
       "take \"HTTPS\" for",
       "export https_proxy=http://USER:PASSWORD@h:8080"},
      {{"https_proxy=http://h x:8080"},
       "host: white space is part of its value",
       "export https_proxy=http://127.0.0.1:3128"},
      {{"https_proxy=http://127.0.0.1:31x28"},
       "host: its value is no URL",
       "export https_proxy=http://127.0.0.1:3128"},
      {{"https_proxy= "}, "nothing but white space", "export https_proxy=http://127.0.0.1:3128"},
      {{"https_proxy=''"}, "nothing but white space", "export https_proxy=http://127.0.0.1:3128"},
      {{"https_proxy=socks5://socks5://h"},
       "take \"socks5\"",
       "export https_proxy=socks5://h:1080"},
      {{"https_proxy=http:h:8080"}, "names no host", "export https_proxy=http://h:8080"},
      {{"HTTPS_PROXY=http://user:p%w@proxy.example:8080"},
       "a % in it begins no escape",
       "export HTTPS_PROXY=http://USER:PASSWORD@proxy.example:8080"
       "  # a % in the password is written %25"},
      {{"HTTPS_PROXY=\"http://127.0.0.1:8080\""},
       "quotes inside its value",
       "export HTTPS_PROXY=http://127.0.0.1:8080"},
      {{"HTTPS_PROXY='http://user:secret@proxy.example:8080'"},
       "quotes inside its value",
       "export HTTPS_PROXY=http://USER:PASSWORD@proxy.example:8080"},
      {{"https_proxy= http://127.0.0.1:8080"},
       "white space is part of its value",
       "export https_proxy=http://127.0.0.1:8080"},
      {{"https_proxy=http://127.0.0.1:8080\r"},
       "a line's end is part of its value",
       "export https_proxy=http://127.0.0.1:8080"},
      {{"https_proxy=http://:8080"}, "names no host", "export https_proxy=http://127.0.0.1:3128"},
      {{"https_proxy=http://h:99999"}, "names no port", "export https_proxy=http://127.0.0.1:3128"},
      {{"https_proxy=socks4://127.0.0.1:1080"},
       "the scheme socks4://, which Go programs do not know",
       "export https_proxy=http://127.0.0.1:3128"},
      {{"https_proxy=proxy://127.0.0.1:8080"},
       "the scheme proxy://, which Go programs do not know",
       "export https_proxy=http://127.0.0.1:8080"},
      {{"HTTP_PROXY=http://127.0.0.1:8080"},
       "there is no HTTPS_PROXY",
       "export HTTPS_PROXY=http://127.0.0.1:8080"},
      {{"http_proxy=127.0.0.1:8080"},
       "there is no https_proxy",
       "export https_proxy=http://127.0.0.1:8080"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.environment);
    const auto found = read(one.environment);
    REQUIRE(found.mistakes.size() == 1);
    CHECK(found.given);
    CHECK(holds(found.mistakes[0].cause, one.cause));
    CHECK(found.mistakes[0].shell_line() == one.line);
    CHECK_FALSE(holds(found.mistakes[0].cause, "secret"));
    CHECK_FALSE(holds(found.mistakes[0].cause, "p%w"));
  }
}

TEST_CASE("what is right is no mistake") {
  const Variables cases[] = {
      {},
      {"https_proxy=http://127.0.0.1:3128"},
      {"https_proxy=127.0.0.1:3128", "http_proxy=127.0.0.1:3128", "ALL_PROXY=socks5://h:1"},
      {"HTTPS_PROXY=socks5://127.0.0.1:1080"},
      {"https_proxy=http://user:p%25w@proxy.example:3128"},
  };
  for (const Variables& environment : cases) {
    CAPTURE(environment);
    CHECK(read(environment).mistakes.empty());
  }
}

TEST_CASE("a scheme that asks for TLS is a mistake only where none is spoken") {
  const auto found = read({"https_proxy=https://127.0.0.1:3128"});
  REQUIRE(found.mistakes.size() == 1);
  CHECK(found.mistakes[0].unless_tls);
  CHECK_FALSE(read({"ALL_PROXY=x"}).mistakes[0].unless_tls);
}

TEST_CASE("ALL_PROXY alone is a mistake for both kinds of URL") {
  const auto found = read({"ALL_PROXY=socks5://127.0.0.1:1080"});
  REQUIRE(found.mistakes.size() == 2);
  CHECK(holds(found.mistakes[0].cause, "only ALL_PROXY is set"));
  CHECK(holds(found.mistakes[1].cause, "only ALL_PROXY is set"));
  CHECK(shell_lines(found.mistakes) ==
        "export https_proxy=http://127.0.0.1:3128 http_proxy=http://127.0.0.1:3128");
  CHECK(shell_lines(read({"all_proxy=http://proxy.example:8080"}).mistakes) ==
        "export https_proxy=http://proxy.example:8080 http_proxy=http://proxy.example:8080");
}

TEST_CASE("a host may have the name of a scheme") {
  CHECK(read({"https_proxy=http://http:3128"}).mistakes.empty());
  CHECK(https_of({"https_proxy=http:3128"}) == "https_proxy http://http:3128");
}

TEST_CASE("what may be a password is not told, wherever the host ends for Go") {
  for (const std::string value :
       {"http://u:1234/x@h:8080", "http://u:1234?x@h:8080", "http://u:1234#x@h:8080",
        "u:1234/x@h:8080", "http://1234/x@h:8080", "http://1234:5/x@h:8080",
        "\"http://u:1234/x@h:8080\"", "https://u:1234/x@h:8080", "http://u:1234/x@y/z@h:8080",
        "http:/u:1234/x@h:8080", "http://http://u:1234/x@h:8080"}) {
    CAPTURE(value);
    const auto found = read({"https_proxy=" + value});
    CHECK_FALSE(found.https);
    REQUIRE(found.mistakes.size() == 1);
    const ProxyMistake& mistake = found.mistakes[0];
    CHECK_FALSE(holds(mistake.cause + mistake.shell_line(), "1234"));
    CHECK(holds(mistake.cause, "before its '@'"));
    CHECK(holds(mistake.shell_line(), "://USER:PASSWORD@h:8080  # in a password / is written %2F"));
  }
  CHECK(https_of({"https_proxy=http://h:8080/a?b#c"}) == "https_proxy http://h:8080");
}

TEST_CASE("several mistakes are mended by one line") {
  auto found = read({"https_proxy=https://127.0.0.1:3128", "http_proxy=https://127.0.0.1:3128"});
  REQUIRE(found.mistakes.size() == 2);
  found.mistakes.push_back({"REQUEST_METHOD", "", "", false, {}});
  CHECK(shell_lines(found.mistakes) ==
        "export https_proxy=http://127.0.0.1:3128 http_proxy=http://127.0.0.1:3128; "
        "unset REQUEST_METHOD");
  CHECK(ProxyMistake{"NO_PROXY", "", "*.a,$(b)", false, {}}.shell_line() ==
        "export NO_PROXY='*.a,$(b)'");
}

TEST_CASE("what may surprise is noted") {
  const auto differ = read({"HTTPS_PROXY=a:1", "https_proxy=b:2"});
  REQUIRE(differ.notes.size() == 1);
  CHECK(holds(differ.notes[0], "Go programs read HTTPS_PROXY, curl reads https_proxy"));
  CHECK(read({"HTTPS_PROXY=a:1", "https_proxy=a:1"}).notes.empty());
  const auto futile = read({"https_proxy=a:1", "no_proxy=172.17.*"});
  REQUIRE(futile.notes.size() == 1);
  CHECK(holds(futile.notes[0], "no_proxy: 172.17.*"));
}

TEST_CASE("NO_PROXY may take the target out") {
  const Variables environment = {"https_proxy=h:1", "NO_PROXY=localhost,.io,gcr.io:443"};
  const auto found = read(environment);
  CHECK(found.no_proxy_variable == "NO_PROXY");
  const auto mistake = mistake_for_target(found, host("gcr.io"), true);
  REQUIRE(mistake);
  CHECK(holds(mistake->cause, "NO_PROXY takes gcr.io:443 out"));
  CHECK(holds(mistake->cause, "entry .io"));
  CHECK(mistake->shell_line() == "export NO_PROXY=localhost");
  CHECK_FALSE(mistake_for_target(found, host("example.com"), true));
  CHECK_FALSE(mistake_for_target(found, host("127.0.0.1"), true));
  CHECK_FALSE(mistake_for_target(read({"NO_PROXY=*"}), host("gcr.io"), true));
  const auto all = mistake_for_target(read({"https_proxy=h:1", "no_proxy=*"}), host("a.b"), true);
  REQUIRE(all);
  CHECK(all->shell_line() == "unset no_proxy");
  // Without NO_PROXY, no_proxy is read.
  const Variables both = {"https_proxy=h:1", "NO_PROXY=*", "no_proxy=*"};
  CHECK(mistake_for_target(read(both), host("a.b"), true)->shell_line() ==
        "export NO_PROXY=localhost");
}

TEST_CASE("a password in NO_PROXY is not repeated") {
  const auto found = read({"https_proxy=h:1", "NO_PROXY=user:secret@h,gcr.io"});
  const auto mistake = mistake_for_target(found, host("gcr.io"), true);
  REQUIRE(mistake);
  CHECK_FALSE(holds(mistake->shell_line(), "secret"));
}

TEST_CASE("an http:// target has a variable of its own") {
  const auto only_https = read({"HTTPS_PROXY=http://h:1"});
  const auto mistake = mistake_for_target(only_https, host("a.b:80"), false);
  REQUIRE(mistake);
  CHECK(mistake->shell_line() == "export HTTP_PROXY=http://h:1");
  const auto with_user =
      mistake_for_target(read({"https_proxy=http://u:p@h:1"}), host("a.b:80"), false);
  CHECK(with_user->shell_line() == "export http_proxy=http://USER:PASSWORD@h:1");
  const auto cgi = read({"http_proxy=h:1", "https_proxy=h:1", "REQUEST_METHOD=GET"});
  CHECK_FALSE(mistake_for_target(cgi, host("a.b"), true));
  const auto refused = mistake_for_target(cgi, host("a.b:80"), false);
  REQUIRE(refused);
  CHECK(refused->shell_line() == "unset REQUEST_METHOD");
}
