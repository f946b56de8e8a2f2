#include "policy/target_pattern.h"

#include <string>
#include <vector>

#include "base/host_port.h"
#include "policy/presets.h"
#include "support/catch.h"

using namespace culvert;

namespace {

TargetPattern pattern(const std::string& text) {
  std::string problem;
  auto parsed = TargetPattern::parse(text, problem);
  INFO(text << ": " << problem);
  REQUIRE(parsed.has_value());
  return *parsed;
}

HostPort target(const std::string& text) {
  auto parsed = HostPort::parse(text);
  INFO(text);
  REQUIRE(parsed.ok());
  return *parsed;
}

bool matches(const std::string& pattern_text, const std::string& target_text) {
  return pattern(pattern_text).matches(target(target_text));
}

}  // namespace

TEST_CASE("which targets a pattern matches") {
  struct Row {
    const char* pattern;
    const char* target;
    bool expected;
  };
  const Row rows[] = {
      // A host is that host alone.
      {"gcr.io", "gcr.io:443", true},
      {"gcr.io", "gcr.io:80", true},
      {"GCR.io", "gcr.IO:443", true},
      {"gcr.io.", "gcr.io:443", true},
      {"gcr.io", "gcr.io.:443", true},
      {"gcr.io", "us.gcr.io:443", false},
      {"gcr.io", "notgcr.io:443", false},
      {"localhost", "localhost:1", true},
      // A suffix is what stands before it, at any depth.
      {".gcr.io", "us.gcr.io:443", true},
      {".gcr.io", "a.b.gcr.io:443", true},
      {".gcr.io", "a.gcr.io.:443", true},
      {".gcr.io", "gcr.io:443", false},
      {".gcr.io", "notgcr.io:443", false},
      {"*.gcr.io", "us.gcr.io:443", true},
      {"*.gcr.io", "gcr.io:443", false},
      {"*.GCR.io", "US.gcr.io:443", true},
      {".io", "gcr.io:443", true},
      // Ports.
      {"gcr.io:443", "gcr.io:443", true},
      {"gcr.io:443", "gcr.io:80", false},
      {".gcr.io:443", "us.gcr.io:443", true},
      {".gcr.io:443", "us.gcr.io:444", false},
      {"*:443", "anything.example:443", true},
      {"*:443", "anything.example:80", false},
      {"*:443", "192.0.2.1:443", true},
      // Everything.
      {"*", "gcr.io:1", true},
      {"*", "[2001:db8::1]:65535", true},
      // Addresses and blocks know literals only.
      {"192.0.2.7", "192.0.2.7:80", true},
      {"192.0.2.7", "192.0.2.8:80", false},
      {"192.0.2.7:80", "192.0.2.7:80", true},
      {"192.0.2.7:80", "192.0.2.7:81", false},
      {"10.0.0.0/8", "10.255.0.1:80", true},
      {"10.0.0.0/8", "11.0.0.1:80", false},
      {"10.0.0.0/8:443", "10.0.0.1:443", true},
      {"10.0.0.0/8:443", "10.0.0.1:80", false},
      {"10.0.0.0/8", "ten.example:80", false},
      {"10.0.0.0/8", "[::ffff:10.0.0.1]:80", true},
      {"0.0.0.0/0", "192.0.2.1:80", true},
      {"0.0.0.0/0", "[2001:db8::1]:80", false},
      {"2001:db8::/32", "[2001:db8:1::1]:80", true},
      {"2001:db8::1", "[2001:db8::1]:80", true},
      {"[2001:db8::1]", "[2001:db8::1]:80", true},
      {"[2001:db8::1]:80", "[2001:db8::1]:80", true},
      {"[2001:db8::1]:80", "[2001:db8::1]:81", false},
      {"[2001:db8::]/32:80", "[2001:db8::5]:80", true},
      {"[2001:db8::]/32:80", "[2001:db8::5]:81", false},
      {"[2001:db8::/32]:80", "[2001:db8::5]:80", true},
  };
  for (const Row& row : rows) {
    INFO(row.pattern << " against " << row.target);
    CHECK(matches(row.pattern, row.target) == row.expected);
  }
}

TEST_CASE("malformed patterns") {
  const char* const texts[] = {
      "",
      ".",
      "*.",
      "a..b",
      "..a",
      "a b",
      "a*",
      "*a",
      "172.17.*",
      "172.17",
      "10.0.0",
      ".1",
      "a:0",
      "a:65536",
      "a:",
      "a:b",
      "a:-1",
      "a:443x",
      "10.0.0.1/8",
      "10.0.0.0/33",
      "10.0.0.0/",
      "10.0.0.0/x",
      "example/8",
      "[::1",
      "[::1]x",
      "[]:80",
      "2001:db8::/129",
      "http://gcr.io",
      "\xc3\xa4.example",
      "a@b",
      "*.*.a",
      "a/b",
      "[::1]:",
      "10.0.0.256",
      "a\nb",
      "'gcr.io'",
      "\"gcr.io\"",
      "gcr.io;quay.io",
      "gcr.io|quay.io",
      "$HOST",
      "${HOST}",
      "%HOST%",
      "10.0.0.1-10.0.0.9",
      "10.0.0.1-9:80",
      "10.0.0.*",
      "10.0.0.0/255.0.0.0",
      "gcr.io/v2",
      "a.0x7f",
      "<local>",
  };
  for (const char* const text : texts) {
    std::string problem;
    INFO(text);
    CHECK_FALSE(TargetPattern::parse(text, problem).has_value());
    CHECK_FALSE(problem.empty());
  }
  std::string problem;
  CHECK_FALSE(TargetPattern::parse(std::string(254, 'a'), problem).has_value());
}

TEST_CASE("what a pattern covers") {
  struct Row {
    const char* one;
    const char* other;
    bool expected;
  };
  const Row rows[] = {
      {"*", "gcr.io", true},
      {"*", "*", true},
      {"*", "10.0.0.0/8:80", true},
      {"*:443", "gcr.io:443", true},
      {"*:443", "gcr.io", false},
      {"*", "gcr.io:443", true},
      {"gcr.io", "gcr.io", true},
      {"gcr.io", "gcr.io:443", true},
      {"gcr.io:443", "gcr.io", false},
      {"gcr.io", ".gcr.io", false},
      {".gcr.io", "gcr.io", false},
      {".gcr.io", "us.gcr.io", true},
      {".gcr.io", ".us.gcr.io", true},
      {".gcr.io", "*.gcr.io", true},
      {".us.gcr.io", ".gcr.io", false},
      {"10.0.0.0/8", "10.1.0.0/16", true},
      {"10.1.0.0/16", "10.0.0.0/8", false},
      {"10.0.0.0/8", "10.1.2.3", true},
      {"10.0.0.0/8", "11.0.0.0/8", false},
      {"10.0.0.0/8", "gcr.io", false},
      {".gcr.io", "10.0.0.1", false},
      {"::ffff:10.0.0.0/104", "10.1.0.0/16", true},
      {"10.0.0.0", "::ffff:10.0.0.0/104", false},
      {"10.0.0.0/8", "::ffff:10.0.0.0/104", true},
      {"gcr.io", "*", false},
      {"0.0.0.0/0", "2001:db8::/32", false},
  };
  for (const Row& row : rows) {
    INFO(row.one << " covers " << row.other);
    CHECK(pattern(row.one).covers(pattern(row.other)) == row.expected);
  }
}

TEST_CASE("a pattern as text") {
  CHECK(pattern("gcr.io").meaning() == "the host gcr.io");
  CHECK(pattern("*.gcr.io:443").meaning() == "subdomains of gcr.io at port 443");
  CHECK(pattern("10.0.0.0/8").meaning() == "addresses in 10.0.0.0/8");
  CHECK(pattern("*").meaning() == "every target");
  CHECK(pattern("*.GCR.io").text() == "*.GCR.io");
}

TEST_CASE("lists of patterns name every bad one") {
  std::vector<std::string> problems;
  const auto patterns = parse_target_patterns("gcr.io, bad*,.gcr.io,,10.1.0.0/8", problems);
  CHECK(patterns.size() == 2);
  REQUIRE(problems.size() == 3);
  CHECK(problems[0].starts_with("bad*: "));
  CHECK(problems[1].starts_with("an empty pattern in "));
  CHECK(problems[2].starts_with("10.1.0.0/8: "));
}

TEST_CASE("presets") {
  std::vector<std::string> problems;
  const auto patterns = parse_target_patterns("preset:gcr,Preset:K8S,preset:dockerhub", problems);
  CHECK(problems.empty());
  const auto any_matches = [&](const std::string& text) {
    for (const TargetPattern& one : patterns) {
      if (one.matches(target(text))) return true;
    }
    return false;
  };
  for (const char* const host :
       {"gcr.io:443", "us.gcr.io:443", "storage.googleapis.com:443",
        "europe-west1-docker.pkg.dev:443", "registry.k8s.io:443", "registry-1.docker.io:443",
        "auth.docker.io:443", "production.cloudflare.docker.com:443"}) {
    INFO(host);
    CHECK(any_matches(host));
  }
  CHECK_FALSE(any_matches("gcr.io:80"));
  CHECK_FALSE(any_matches("example.com:443"));

  parse_target_patterns("preset:nope", problems);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0] ==
        "preset:nope: no such preset (gcr, k8s, dockerhub, ghcr, quay, mcr, ecr, nvidia, redhat, "
        "containers)");

  // Every preset consists of patterns that can be read.
  for (const Preset& preset : presets()) {
    for (const std::string_view text : preset.patterns) pattern(std::string(text));
  }
}

TEST_CASE("the parts of a pattern, as whoever translates it needs them") {
  using Kind = TargetPattern::Kind;
  CHECK(pattern("*").kind() == Kind::any);
  CHECK_FALSE(pattern("*").port());
  CHECK(pattern("*:22").port() == 22);
  CHECK(pattern("GCR.io.:443").kind() == Kind::host);
  CHECK(pattern("GCR.io.:443").name() == "gcr.io");
  CHECK(pattern("GCR.io.:443").port() == 443);
  CHECK(pattern("*.gcr.io").kind() == Kind::suffix);
  CHECK(pattern("*.gcr.io").name() == ".gcr.io");
  CHECK(pattern("10.0.0.0/8").kind() == Kind::block);
  REQUIRE(pattern("10.0.0.0/8").block_base());
  CHECK(pattern("10.0.0.0/8").block_base()->to_string() == "10.0.0.0");
  CHECK(pattern("10.0.0.0/8").block_prefix() == 8);
  CHECK(pattern("[2001:db8::]/32:443").block_base()->to_string() == "2001:db8::");
  CHECK(pattern("[2001:db8::]/32:443").block_prefix() == 32);
  CHECK(pattern("192.0.2.7").block_prefix() == 32);
}
