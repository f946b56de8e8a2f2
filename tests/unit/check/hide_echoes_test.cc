#include "check/hide_echoes.h"

#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

std::string shown(const std::string& text, std::string_view secret) {
  std::vector<CheckStep> steps(2);
  steps[0].cause = steps[1].detail = steps[1].cause = steps[1].fix = text;
  hide_echoes(steps, 1, secret);
  CHECK(steps[0].cause == text);
  CHECK(steps[1].detail == steps[1].cause);
  CHECK(steps[1].detail == steps[1].fix);
  return steps[1].detail;
}

}  // namespace

TEST_CASE("what a server repeats of a secret is hidden, also a part and in other letters") {
  const std::string token = "abcDEF0123456789xyz";
  CHECK(shown("answered 418 Bearer abcDEF0123456789xyz", token) == "answered 418 Bearer ***");
  CHECK(shown("http://abcdef0123456789xyz.example", token) == "http://***.example");
  CHECK(shown("(23456789xyz) and (abcDEF01)", token) == "(***) and (***)");
  CHECK(shown("23456789", token) == "***");
  CHECK(shown("", token).empty());
}

TEST_CASE("what has seven characters of a secret or fewer is no echo") {
  CHECK(shown("Bearer 3456789", "abcDEF0123456789xyz") == "Bearer 3456789");
  CHECK(shown("token", "token") == "token");
  CHECK(shown("answered", "") == "answered");
}
