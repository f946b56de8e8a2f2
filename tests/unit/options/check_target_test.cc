#include "options/check_target.h"

#include <string>
#include <variant>
#include <vector>

#include "options/command_line.h"
#include "support/catch.h"

using namespace culvert;

namespace {

using Lines = std::vector<std::string>;

RouteQuestion question_of(const Lines& arguments) {
  CommandLine read = parse_command_line(arguments);
  if (const auto* problems = std::get_if<Problems>(&read)) {
    for (const std::string& line : problems->lines) UNSCOPED_INFO(line);
  }
  REQUIRE(std::holds_alternative<RouteQuestion>(read));
  return std::get<RouteQuestion>(std::move(read));
}

Lines targets_of(const Lines& arguments) {
  Lines out;
  for (const HostPort& target : question_of(arguments).targets) out.push_back(target.to_string());
  return out;
}

Lines problems_of(const Lines& arguments) {
  const CommandLine read = parse_command_line(arguments);
  REQUIRE(std::holds_alternative<Problems>(read));
  return std::get<Problems>(read).lines;
}

}  // namespace

TEST_CASE("the arguments of check become targets") {
  std::vector<std::string> problems;
  const auto targets = parse_check_targets(
      {"https://gcr.io/v2/?a=b#c", "http://plain.example", "http://plain.example:8080/x",
       "wss://chat.example", "gcr.io", "gcr.io:5000", "https://user:secret@gcr.io/",
       "https://[2001:db8::1]/", "10.0.0.1:80"},
      problems);
  CHECK(problems.empty());
  Lines shown;
  for (const HostPort& target : targets) shown.push_back(target.to_string());
  CHECK(shown == Lines{"gcr.io:443", "plain.example:80", "plain.example:8080", "chat.example:443",
                       "gcr.io:443", "gcr.io:5000", "gcr.io:443", "[2001:db8::1]:443",
                       "10.0.0.1:80"});
}

TEST_CASE("bad questions are named without their secrets") {
  std::vector<std::string> problems;
  CHECK(parse_check_targets({"ftp://x", "https://user:hush@", "https://a b/"}, problems).empty());
  REQUIRE(problems.size() == 3);
  CHECK(problems[0] == "--route ftp://x: neither an http:// nor an https:// URL");
  for (const std::string& problem : problems) CHECK(problem.find("hush") == std::string::npos);
}

TEST_CASE("check takes questions and routes behind the same flag") {
  CHECK(targets_of({"check", "--route", "https://gcr.io/v2/"}) == Lines{"gcr.io:443"});
  CHECK(targets_of({"check", "--route", "a.example", "b.example:80", "--threads", "1"}) ==
        Lines{"a.example:443", "b.example:80"});
  CHECK(targets_of({"check", "--route=https://a.example/?x=y"}) == Lines{"a.example:443"});

  const RouteQuestion question =
      question_of({"check", "--route", ".gcr.io=t", "--route", "https://gcr.io", "--upstream",
                   "t=socks5://127.0.0.1:1080", "--route=*=direct", "--route", "docker.io"});
  CHECK(question.targets.size() == 2);
  REQUIRE(question.config.routes.size() == 2);
  CHECK(question.config.routes[0].text == ".gcr.io=t");
  CHECK(question.config.routes[1].text == "*=direct");
}

TEST_CASE("check reports what it cannot do") {
  CHECK(problems_of({"check", "nginx", "--route", "gcr.io", "--json", "--pid", "1"}) ==
        Lines{"nginx: unexpected argument beside --route URL, which asks for the route alone",
              "--json: has no meaning beside --route URL",
              "--pid: has no meaning beside --route URL"});
  CHECK(problems_of({"check", "--route", "gopher://x", "--threads", "none"}).size() == 2);
  CHECK(problems_of({"check", "--route"}).size() == 1);
  // For serve a URL is no route.
  CHECK(problems_of({"--route", "https://gcr.io/"}).size() == 1);
}
