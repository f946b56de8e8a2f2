#include "options/listen_tcp.h"

#include "support/catch.h"

using namespace culvert;

namespace {

/// The addresses, or the problems in braces.
std::string read_tcp(std::string_view scheme, std::string_view text) {
  std::vector<std::string> problems;
  std::string read;
  for (const ListenConfig& listen : parse_tcp_listen(scheme, text, problems)) {
    read += (read.empty() ? "" : " ") + listen.address.to_string();
  }
  CHECK(read.empty() != problems.empty());
  for (const std::string& problem : problems) read += "{" + problem + "}";
  return read;
}

}  // namespace

TEST_CASE("what may be left out of an address to listen on") {
  CHECK(read_tcp("", "10.0.0.5:80") == "10.0.0.5:80");
  CHECK(read_tcp("", "80") == "127.0.0.1:80 [::1]:80");
  CHECK(read_tcp("http://", ":80/") == "0.0.0.0:80 [::]:80");
  CHECK(read_tcp("https://", "localhost:0") == "127.0.0.1:0");
  CHECK(loopback_listen(80).size() == 2);
  CHECK(loopback_listen(0).size() == 1);
}

TEST_CASE("an example of an address has the scheme that was given") {
  CHECK(read_tcp("https://", "10.0.0.5") == "{the port is missing, as in https://10.0.0.5:3128}");
  CHECK(read_tcp("http-only://", "::1:8080") ==
        "{IPv6 needs brackets, as in http-only://[::1]:8080}");
  CHECK(read_tcp("https://", "/10.0.0.5") == "{write https://ADDRESS:PORT, with two slashes}");
}

TEST_CASE("an address that is no host's own is a mistake") {
  for (const std::string_view text : {"224.0.0.1:80", "239.255.255.250:80", "255.255.255.255:80",
                                      "[ff02::1]:80", "[::ffff:224.0.0.1]:80"}) {
    INFO(text);
    CHECK(read_tcp("", text) ==
          "{no host has that address as its own; listen on one of this host, or on localhost}");
  }
  CHECK(read_tcp("", "223.255.255.255:80") == "223.255.255.255:80");
}

TEST_CASE("no problem with an address repeats a password") {
  for (const std::string_view text :
       {"u:hush@h", "u:hush@[::1]", "u:hu/sh@h", "u:hush", "[hush]:1", "[hush", "hush:1:2", "hush",
        "u:hush@10.0.0.5", "hush/hush", "::1:hush", "hush%1"}) {
    INFO(text);
    CHECK(read_tcp("http://", text).find("hush") == std::string::npos);
  }
}
