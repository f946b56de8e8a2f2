#include "options/listen_address.h"

#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

/// The addresses as text; optional ones in parentheses, problems in braces.
std::string read(std::string_view value) {
  std::vector<std::string> problems;
  const auto addresses = parse_listen(value, problems);
  std::string text;
  for (const std::string& problem : problems) text += "{" + problem + "}";
  if (!problems.empty()) return text;
  for (const ListenConfig& listen : addresses) {
    if (!text.empty()) text += ' ';
    text += listen.optional ? "(" + listen.to_string() + ")" : listen.to_string();
    if (listen.kind == ListenConfig::Kind::http) CHECK(listen.address.ip.has_value());
  }
  return text;
}

}  // namespace

TEST_CASE("where to listen") {
  CHECK(read("127.0.0.1:3128") == "http://127.0.0.1:3128");
  CHECK(read("[::1]:3128") == "http://[::1]:3128");
  CHECK(read("[2001:DB8::0:1]:80") == "http://[2001:db8::1]:80");
  CHECK(read("172.17.0.1:8080") == "http://172.17.0.1:8080");
  CHECK(read("http://127.0.0.1:3128") == "http://127.0.0.1:3128");
  CHECK(read("HTTP://127.0.0.1:3128/") == "http://127.0.0.1:3128");
  CHECK(read("0.0.0.0:1") == "http://0.0.0.0:1");
  CHECK(read("127.0.0.1:0") == "http://127.0.0.1:0");

  CHECK(read(" 127.0.0.1:3128\t") == "http://127.0.0.1:3128");
  CHECK(read(" unix:/a ") == "unix:/a");

  // Bound as IPv6 it would take nobody: those clients come in IPv4.
  CHECK(read("[::ffff:127.0.0.1]:3128") == "http://127.0.0.1:3128");

  CHECK(read("3128") == "http://127.0.0.1:3128 (http://[::1]:3128)");
  CHECK(read("localhost:80") == "http://127.0.0.1:80 (http://[::1]:80)");
  CHECK(read("http://LocalHost:80") == "http://127.0.0.1:80 (http://[::1]:80)");
  CHECK(read(":3128") == "http://0.0.0.0:3128 (http://[::]:3128)");
  // Two ports chosen by the system would differ.
  CHECK(read("0") == "http://127.0.0.1:0");
  CHECK(read("localhost:0") == "http://127.0.0.1:0");

  CHECK(read("unix:/run/culvert.sock") == "unix:/run/culvert.sock");
  CHECK(read("unix:///run/culvert.sock") == "unix:/run/culvert.sock");
  CHECK(read("unix:culvert.sock") == "unix:culvert.sock");

  CHECK(read("systemd") == "systemd");
  CHECK(read(" SystemD ") == "systemd");
  CHECK(read("systemd:web") == "systemd:web");
  CHECK(read("systemd:culvert.socket") == "systemd:culvert.socket");
}

TEST_CASE("where one cannot listen") {
  CHECK(read("127.0.0.1") == "{the port is missing, as in 127.0.0.1:3128}");
  CHECK(read("127.0.0.1:1, [::1]:1") ==
        "{one --listen is one address; give it again for the next (a variable has a blank between "
        "them)}");
  CHECK(read("::1") == "{IPv6 needs brackets and a port, as in [::1]:3128}");
  CHECK(read("::1:x") == "{the port is not a number from 0 to 65535; write ADDRESS:PORT}");
  CHECK(read("fe80::1%eth0:80") == "{IPv6 needs brackets, as in [::1]:3128}");
  CHECK(read("example.com:80") == "{listen on an IP address of this host, or on localhost}");
  CHECK(read("[localhost]:80") == "{listen on an IP address of this host, or on localhost}");
  CHECK(read("https://127.0.0.1:3128") ==
        "{TLS needs a certificate: https://ADDRESS:PORT?cert=FILE&key=FILE}");
  CHECK(read("https://localhost:3128?key=b") ==
        "{option 'key' needs its 'cert' before it}"
        "{TLS needs a certificate: https://ADDRESS:PORT?cert=FILE&key=FILE}");
  CHECK(read("socks5://127.0.0.1:1080") ==
        "{culvert listens on http://ADDRESS:PORT, https://ADDRESS:PORT, http-only://ADDRESS:PORT, "
        "unix:/path or systemd}");
  for (const char* const text : {"systemd:", "systemd:a:b", "systemd:a b", "systemd:\x7f"}) {
    CHECK(read(text) ==
          "{write systemd for every socket that is passed, or systemd:NAME with the "
          "FileDescriptorName= of the .socket unit}");
  }
  CHECK(read("systemd://web").front() == '{');
  CHECK(read("systemd2").front() == '{');
  CHECK(read("unix:") == "{the path is missing, as in unix:/run/culvert.sock}");
  CHECK(read("unix:/" + std::string(107, 'a')) ==
        "{the path of a unix socket has at most 107 bytes}");
  for (const char* const text : {"", ":", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                                 "127.0.0.1:3128/x", "x", "127.1:80", "[::1]", "[]:80", "[::1]3128",
                                 "http://", "http://u:p@127.0.0.1:80", "[127.0.0.1:80"}) {
    INFO(text);
    CHECK(read(text).front() == '{');
  }
}

TEST_CASE("the scheme says what clients may speak") {
  const auto speaks = [](std::string_view value) {
    std::vector<std::string> problems;
    return parse_listen(value, problems).at(0).speaks;
  };
  CHECK(speaks("127.0.0.1:1") == ListenConfig::Speaks::any);
  CHECK(speaks("http://127.0.0.1:1") == ListenConfig::Speaks::any);
  CHECK(speaks("HTTP-only://127.0.0.1:1/") == ListenConfig::Speaks::http_only);
  CHECK(speaks("https://127.0.0.1:1?cert=a") == ListenConfig::Speaks::tls_only);
  CHECK(speaks("unix:/a") == ListenConfig::Speaks::any);
}

TEST_CASE("options of a listener are those of each of its addresses") {
  std::vector<std::string> problems;
  const auto listen = parse_listen("https://localhost:1/?cert=a&key=b", problems);
  CHECK(problems.empty());
  REQUIRE(listen.size() == 2);
  for (const ListenConfig& one : listen) CHECK(one.certificates.at(0).key == "b");
  CHECK(listen[1].to_string() == "http://[::1]:1");
}

TEST_CASE("who can reach a listener") {
  const auto reachable = [](std::string_view value) {
    std::vector<std::string> problems;
    return is_reachable_by_others(parse_listen(value, problems).at(0));
  };
  CHECK_FALSE(reachable("127.0.0.1:1"));
  CHECK_FALSE(reachable("127.1.2.3:1"));
  CHECK_FALSE(reachable("[::1]:1"));
  CHECK_FALSE(reachable("unix:/a"));
  CHECK(reachable("0.0.0.0:1"));
  CHECK(reachable("[::]:1"));
  CHECK(reachable("172.17.0.1:1"));
  CHECK(reachable("[2001:db8::1]:1"));
}

TEST_CASE("the default is both loopback addresses") {
  const auto listen = default_listen();
  REQUIRE(listen.size() == 2);
  CHECK(listen[0].to_string() == "http://127.0.0.1:3128");
  CHECK_FALSE(listen[0].optional);
  CHECK(listen[1].to_string() == "http://[::1]:3128");
  CHECK(listen[1].optional);
}
