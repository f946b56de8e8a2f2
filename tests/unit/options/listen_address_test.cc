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

  CHECK(read("127.0.0.1:3128/") == "http://127.0.0.1:3128");
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
  const std::string user =
      "{a listener has no user and password; leave them out, and give --auth-file for a sign-in}";
  const std::string path = "{a listener has no path; end it behind the port}";
  const std::string no_port = "{the port is not a number from 0 to 65535; write ADDRESS:PORT}";
  const std::string no_ip = "{this is no IP address; listen on one of this host, or on localhost}";
  const std::string every = "{every address is written :PORT, as in :3128}";
  const std::string brackets = "{write IPv6 as [ADDRESS]:PORT, as in [::1]:3128}";
  const std::string no_tls = "{TLS needs a certificate: https://ADDRESS:PORT?cert=FILE&key=FILE}";
  const std::string scheme_end = "{\"://\" follows a scheme, as in http://127.0.0.1:3128}";
  const std::string neither = "{this is no ADDRESS:PORT, PORT, unix:/path or systemd}";
  const std::string unix_form = "{a unix socket is written unix:/path}";
  const std::string several =
      "{one --listen is one address; give it again for the next (a variable has a blank between "
      "them)}";
  const std::string blank =
      "{a blank is within it; write ADDRESS:PORT, and --listen again for the next one}";
  const std::string quote = "{a quote has become a part of the value; leave it out}";
  const std::string question =
      "{options begin with a '?', as in 127.0.0.1:3128?cert=FILE&key=FILE}";
  const std::string colons =
      "{one ':' is too many; write ADDRESS:PORT, and IPv6 in brackets, as in [::1]:3128}";
  const std::string schemes =
      "{no listener has that scheme; write http://ADDRESS:PORT, https://ADDRESS:PORT, "
      "http-only://ADDRESS:PORT, unix:/path or systemd}";
  const std::string socks = "{every listener takes SOCKS as well as HTTP; write ADDRESS:PORT}";
  const std::string interface =
      "{an address behind one interface ('%') is not served; [::]:PORT is every address}";
  const std::string one_scheme = "{one scheme is enough: http://ADDRESS:PORT, or unix:/path}";
  const auto missing = [](const std::string& example) {
    return "{the port is missing, as in " + example + "}";
  };
  const auto bare = [](const std::string& example) {
    return "{IPv6 needs brackets, as in " + example + "}";
  };
  struct Row {
    const char* text;
    std::string problems;
  };
  const Row rows[] = {
      {"127.0.0.1", missing("127.0.0.1:3128")},
      {"127.0.0.1:", missing("127.0.0.1:3128")},
      {"http://0.0.0.0", missing("http://0.0.0.0:3128")},
      {"https://10.0.0.5", missing("https://10.0.0.5:3128") + no_tls},
      {"localhost", missing("localhost:3128")},
      {"http://localhost:/", missing("http://localhost:3128")},
      {":", missing(":3128")},
      {"[::1]", missing("[::1]:3128")},
      {"http://[::]:", missing("http://[::]:3128")},
      {"http://", missing("http://127.0.0.1:3128")},
      {"http://gcr.io", missing("http://127.0.0.1:3128") + no_ip},
      {"http-only://", missing("http-only://127.0.0.1:3128")},
      {"127.0.0.1:65536", no_port},
      {"127.0.0.1:-1", no_port},
      {"70000", no_port},
      {"-1", no_port},
      {"gcr.io:http", no_port + no_ip},
      {"gcr.io:80", no_ip},
      {"127.1:80", no_ip},
      {"localhost.:80", no_ip},
      {"[localhost]:80", no_ip},
      {"[]:80", no_ip},
      {"gcr.io", neither},
      {"", neither},
      {"sytemd", neither.substr(0, neither.size() - 1) + " (did you mean systemd?)}"},
      {"localhots", neither.substr(0, neither.size() - 1) + " (did you mean localhost?)}"},
      {"*", every},
      {"*:80", every},
      {"0:80", every},
      {"::1", "{IPv6 needs brackets and a port, as in [::1]:3128}"},
      {"2001:db8::1", "{IPv6 needs brackets and a port, as in [2001:db8::1]:3128}"},
      {"::1:3129", bare("[::1]:3129")},
      {"http://:::3129", bare("http://[::]:3129")},
      {"::1:x", no_port + bare("[::1]:3128")},
      {"[::1:3128", brackets},
      {"::1]:3128", brackets},
      {"[::1]3128", brackets},
      {"[[::1]]:3128", brackets},
      {"fe80::1%eth0:80", interface},
      {"[fe80::1%eth0]:80", interface},
      {"127.0.0.1:1:2", colons},
      {"http://u:p@127.0.0.1:80", user},
      {"http://u:p?mode=1@127.0.0.1:80", user},
      {"u@127.0.0.1", user + missing("127.0.0.1:3128")},
      {"https://u:p@127.0.0.1:80", user + no_tls},
      {"127.0.0.1:3128/x", path},
      {"http://127.0.0.1:3128//", path},
      {"http://localhost/x", path + missing("http://localhost:3128")},
      {"http://[::1]/x", path + missing("http://[::1]:3128")},
      {"https://u:p@127.0.0.1:80/x?mode=1",
       user + path + "{option 'mode' is for unix:/path alone}" + no_tls},
      {"/run/c.sock", unix_form},
      {"./c.sock", unix_form},
      {"run/c.sock", unix_form},
      {"//127.0.0.1:80", "{write http://ADDRESS:PORT, with two slashes}"},
      {"https:///127.0.0.1:80?cert=a", "{write https://ADDRESS:PORT, with two slashes}"},
      {"http://unix:/a", one_scheme},
      {"http://http://127.0.0.1:80", one_scheme},
      {"http:127.0.0.1:80", scheme_end},
      {"HTTPS:/127.0.0.1:80", scheme_end},
      {"http//127.0.0.1:80", scheme_end},
      {"socks5://127.0.0.1:1080", socks},
      {"SOCKS://u:p@127.0.0.1:1080", socks},
      {"tcp://127.0.0.1:1080", schemes},
      {"systemd2://x", schemes},
      {"127.0.0.1:1,[::1]:1", several},
      {"127.0.0.1:1;[::1]:1", several},
      {"127.0.0.1:1 [::1]:1", blank},
      {"127.0.0.1: 80", blank},
      {"'127.0.0.1:80'", quote},
      {"\"127.0.0.1:80\"", quote},
      {"127.0.0.1:80&cert=/c", question},
      {"https://127.0.0.1:3128", no_tls},
      {"https://localhost:3128?key=b", "{option 'key' needs its 'cert' before it}" + no_tls},
      {"127.0.0.1:80?",
       "{an option is missing behind the '?' or a '&' (cert, key, client-ca, "
       "proxy-protocol, metrics-only)}"},
      {"unix:", "{the path is missing, as in unix:/run/culvert.sock}"},
      {"unix://", "{the path is missing, as in unix:/run/culvert.sock}"},
      {"unix://run/c.sock",
       "{two slashes would begin a host: write unix:/path, or unix:path for a path from the "
       "current folder}"},
      {"unix:/run/", "{this is a folder; name the socket in it, as in unix:/run/culvert.sock}"},
      {"unix:@c",
       "{abstract sockets ('@') are not served; name a file, as in unix:/run/culvert.sock}"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(read(row.text) == row.problems);
  }
  for (const char* const text :
       {"systemd:", "systemd:a:b", "systemd:a b", "systemd:\x7f", "systemd://web"}) {
    INFO(text);
    CHECK(read(text) ==
          "{write systemd for every socket that is passed, or systemd:NAME with the "
          "FileDescriptorName= of the .socket unit}");
  }
  CHECK(read("unix:/" + std::string(107, 'a')) ==
        "{the path of a unix socket has at most 107 bytes}");
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

TEST_CASE("a listener is kept as it was given") {
  std::vector<std::string> problems;
  const auto given = parse_given_listener("https://[::1]:1?cert=a", problems);
  REQUIRE(given.has_value());
  CHECK(given->text == "https://[::1]:1?cert=a");
  CHECK(given->listen.address.to_string() == "[::1]:1");
  CHECK_FALSE(given->second.has_value());
  for (const char* const pair : {"1", "localhost:1"}) {
    CHECK(parse_given_listener(pair, problems).value().second.value().to_string() ==
          "http://[::1]:1");
  }
  CHECK(problems.empty());
  CHECK_FALSE(parse_given_listener("https://[::1]:1", problems).has_value());
  CHECK(problems.size() == 1);
}
