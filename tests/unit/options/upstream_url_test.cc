#include "options/upstream_url.h"

#include <random>
#include <string>
#include <vector>

#include "support/catch.h"
#include "unit/options/parsed_upstream.h"

using namespace culvert;
using namespace culvert::test;
using Kind = UpstreamConfig::Kind;

TEST_CASE("several URLs in one value") {
  const std::string_view text =
      ": one --upstream is one URL; give it again for the next (a variable has a blank between "
      "them)";
  for (const char* value : {"a=socks5://h:1, b=http://h:2", "a=socks5://h:1,b=http://u:secret@h:2",
                            "http://h,http://i", "http://h:1;http://i:1", "https://h|https://i"}) {
    const auto problem = problem_of(value);
    CHECK(problem.ends_with(text));
    CHECK(problem.find("secret") == std::string::npos);
  }
}

TEST_CASE("schemes, default ports and labels") {
  struct Row {
    const char* url;
    Kind kind;
    const char* label;
  };
  const Row rows[] = {
      {"socks5://127.0.0.1:1080", Kind::socks5, "socks5://127.0.0.1:1080"},
      {"socks5://127.0.0.1", Kind::socks5, "socks5://127.0.0.1:1080"},
      {"socks5://proxy.example/", Kind::socks5, "socks5://proxy.example:1080"},
      {"socks5h://h", Kind::socks5, "socks5://h:1080"},
      {"socks://h:1", Kind::socks5, "socks5://h:1"},
      {"SOCKS5://H.Example:9", Kind::socks5, "socks5://h.example:9"},
      {"socks4a://h", Kind::socks4a, "socks4a://h:1080"},
      {"socks4://h", Kind::socks4a, "socks4a://h:1080"},
      {"http://h", Kind::http, "http://h:3128"},
      {"http://h:80", Kind::http, "http://h:80"},
      {"https://h", Kind::https, "https://h:443"},
      {"https://[2001:db8::1]", Kind::https, "https://[2001:db8::1]:443"},
      {"socks5://[::1]:9050", Kind::socks5, "socks5://[::1]:9050"},
      {" http://h ", Kind::http, "http://h:3128"},
      {"direct", Kind::direct, "direct://"},
      {"DIRECT", Kind::direct, "direct://"},
      {"direct://", Kind::direct, "direct://"},
      {"direct:///", Kind::direct, "direct://"},
  };
  for (const Row& row : rows) {
    INFO(row.url);
    const UpstreamConfig upstream = read(row.url);
    CHECK(upstream.kind == row.kind);
    CHECK(upstream.label == row.label);
    CHECK(upstream.name == (row.kind == Kind::direct ? "direct" : row.label));
    CHECK_FALSE(upstream.credentials.has_value());
    CHECK_FALSE(upstream.resolve_local);
  }
}

TEST_CASE("names") {
  CHECK(read("tunnel=socks5://h").name == "tunnel");
  CHECK(read("tunnel=socks5://h").label == "socks5://h:1080");
  CHECK(read("a.b_c-1=direct").name == "a.b_c-1");
  CHECK(read("direct=direct://").name == "direct");
  // An '=' further on belongs to the URL.
  CHECK(read("socks5://h?resolve=local").name == "socks5://h:1080");
  CHECK(read("http://u:a=b@h").name == "http://h:3128");
  CHECK(read("t=http://u:a=b@h").name == "t");

  CHECK(problem_of("=socks5://h") == "=socks5://h: the name before '=' is empty");
  CHECK(problem_of("deny=socks5://h") ==
        "deny=socks5://h: the name 'deny' is taken: routes use it to refuse a target");
  CHECK(problem_of("direct=socks5://h") ==
        "direct=socks5://h: the name 'direct' is taken: routes use it to go without a proxy");
}

TEST_CASE("credentials") {
  struct Row {
    const char* url;
    std::string user;
    std::string password;
  };
  const Row rows[] = {
      {"socks5://user:secret@h", "user", "secret"},
      {"socks5://us%3Aer:s%40c%2Fr%25t@h", "us:er", "s@c/r%t"},
      {"socks5://u:a:b@h", "u", "a:b"},
      {"socks5://u:a@b@h", "u", "a@b"},
      {"socks5://u:%00%0A@h", "u", std::string("\0\n", 2)},
      {"http://user:secret@h", "user", "secret"},
      {"http://user@h", "user", ""},
      {"http://user:@h", "user", ""},
      {"http://:token@h", "", "token"},
      {"https://user:s%C3%A9cret@h", "user",
       "s\xc3\xa9"
       "cret"},
      {"socks4a://user@h", "user", ""},
  };
  for (const Row& row : rows) {
    INFO(row.url);
    const UpstreamConfig upstream = read(row.url);
    REQUIRE(upstream.credentials.has_value());
    CHECK(upstream.credentials->user == row.user);
    CHECK(upstream.credentials->password.reveal() == row.password);
    CHECK(upstream.label.find("secret") == std::string::npos);
  }
  CHECK_FALSE(read("http://@h").credentials.has_value());
  CHECK(read("socks5://" + std::string(255, 'u') + ":" + std::string(255, 'p') + "@h")
            .credentials.has_value());
}

TEST_CASE("credentials that a protocol cannot carry") {
  CHECK(problem_of("socks5://user@h") ==
        "socks5://***@h: SOCKS5 wants a password with the user: write user:password@ or "
        "?password-file=");
  const std::string bounds = ": user and password of SOCKS5 have 1 to 255 bytes each";
  CHECK(problem_of("socks5://user:@h") == "socks5://***@h" + bounds);
  CHECK(problem_of("socks5://:secret@h") == "socks5://***@h" + bounds);
  CHECK(problem_of("socks5://" + std::string(256, 'u') + ":p@h") == "socks5://***@h" + bounds);
  CHECK(problem_of("socks5://u:" + std::string(256, 'p') + "@h") == "socks5://***@h" + bounds);
  CHECK(problem_of("socks4a://user:secret@h") ==
        "socks4a://***@h: SOCKS4a has a user, but no password");
  CHECK(problem_of("socks4a://u%00@h") == "socks4a://***@h: the user of SOCKS4a holds no NUL byte");
  const std::string control =
      "http://***@h: user and password of an HTTP proxy hold no control bytes";
  CHECK(problem_of("http://u%0d:p@h") == control);
  CHECK(problem_of("http://u:p%0a@h") == control);
  CHECK(problem_of("http://u:p%00@h") == control);
  CHECK(problem_of("https://u%3Av:p@h") ==
        "https://***@h: a user of an HTTP proxy cannot hold a ':'");
  CHECK(problem_of("http://u:p%zz@h") ==
        "http://***@h: a '%' in a user or password is written %25");
  CHECK(problem_of("direct://u:p@") == "direct://***@: direct:// has no host, user or password");
}

TEST_CASE("common mistakes get a helpful text") {
  CHECK(problem_of("socks9://x") ==
        "socks9://x: unknown scheme 'socks9' (socks5, socks4a, http, https, direct)");
  CHECK(problem_of("socks5:127.0.0.1:1080") ==
        "socks5:127.0.0.1:1080: two slashes are missing after 'socks5:', as in "
        "socks5://HOST:PORT");
  CHECK(problem_of("socks5:/127.0.0.1:1080").find("two slashes") != std::string::npos);
  CHECK(problem_of("127.0.0.1:1080") ==
        "127.0.0.1:1080: the scheme is missing: write http:// before an HTTP proxy, socks5:// "
        "before a SOCKS proxy");
  CHECK(problem_of("a=proxy.example").find("the scheme is missing") != std::string::npos);
  CHECK(problem_of("://x").find("unknown scheme ''") != std::string::npos);
  CHECK(problem_of("a:b://x").find("no scheme before '://'") != std::string::npos);
  CHECK(problem_of("") == ": the URL is missing, as in socks5://127.0.0.1:1080");
  CHECK(problem_of("name=").find("the URL is missing") != std::string::npos);
  CHECK(problem_of("ssh://me@host").find("ssh -N -D 127.0.0.1:1080") != std::string::npos);
  CHECK(problem_of("vmess://abc").find("does not speak vmess") != std::string::npos);
  CHECK(problem_of("socks5://") == "socks5://: the host is missing, as in socks5://127.0.0.1:1080");
  CHECK(problem_of("http://:3128").find("the host is missing") != std::string::npos);
  CHECK(problem_of("socks5://::1:1080").find("stands in brackets") != std::string::npos);
  CHECK(problem_of("socks5://[::1").find("the brackets hold no IPv6 address") != std::string::npos);
  CHECK(problem_of("socks5://[::1]x:1080").find("the brackets hold no IPv6 address") !=
        std::string::npos);
  for (const char* const port : {"0", "65536", "x", "-1", "", "99999999999"}) {
    INFO(port);
    CHECK(problem_of("http://h:" + std::string(port))
              .ends_with(": the port is not a number from 1 to 65535"));
  }
  CHECK(problem_of("http://h/path") == "http://h/***: a path has no meaning here");
  CHECK(problem_of("http://h#x") == "http://h#***: a '#...' part has no meaning here");
  CHECK(problem_of("direct://host") == "direct://host: direct:// has no host, user or password");
  CHECK(problem_of("http://a b").find("white space") != std::string::npos);
  const std::string cut = "a '/', '?' or '#' in a user or password is written %2F, %3F or %23";
  CHECK(problem_of("http://u:p/q@h") == "http://***: " + cut);
  CHECK(problem_of("http://u:p@p/q@h") == "http://***: " + cut);
  CHECK(problem_of("http://u:p#q@h") == "http://***: " + cut);
  CHECK(problem_of("http://u:p?q@h") == "http://***: " + cut);
  CHECK(problem_of("https://u:p@p_q?ca=q#r@h") == "https://***: " + cut);
}

TEST_CASE("what looks like the host may be a piece of a password") {
  CHECK(url_problems("https://u:a@secret!?sni=x@h") ==
        std::vector<std::string>{"https://***: the host is not a host name",
                                 "https://***: sni=***: not a host name"});
}

TEST_CASE("no problem ever shows a credential, however mangled the URL") {
  const std::string secret = "Tr0ub4dor";
  const std::vector<std::string> seeds = {
      "socks5://user:" + secret + "@host:1080/?resolve=local",
      "name=http://user:" + secret + "@host:3128",
      "https://" + secret + ":pass@[::1]:443?sni=x",
      "socks4a://user:" + secret + "@host",
      "ftp://user:" + secret + "@host/path#fragment",
      "user:" + secret + "@host:80",
      "socks5:user:" + secret + "@host:80",
      "http://user:a%20" + secret + "@host?connect-timeout=bad",
      "http://host?password=" + secret,
  };
  CHECK(problem_of("socks5://user:" + secret).find(secret) == std::string::npos);
  const std::string letters = "/?#@:[]=%. x1\n";
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  for (int round = 0; round < 20'000; ++round) {
    // Insertions only: without its '@' or ':' a password is a host name like any other.
    std::string url = seeds[below(seeds.size())];
    for (std::size_t i = below(3); i > 0; --i) {
      const std::size_t where = below(url.size() + 1);
      const std::size_t at = url.find(secret);
      if (where > at && where < at + secret.size()) continue;
      url.insert(where, 1, letters[below(letters.size())]);
    }
    for (const std::string& problem : url_problems(url)) {
      INFO(url << " -> " << problem);
      REQUIRE(problem.find(secret) == std::string::npos);
    }
  }
}
