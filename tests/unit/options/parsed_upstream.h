#pragma once

#include <string>
#include <vector>

#include "options/upstream_url.h"
#include "support/catch.h"

namespace culvert::test {

inline UpstreamConfig read(const std::string& value) {
  std::vector<std::string> problems;
  UpstreamConfig upstream = parse_upstream(value, problems);
  INFO(value << ": " << (problems.empty() ? "" : problems.front()));
  REQUIRE(problems.empty());
  return upstream;
}

inline std::vector<std::string> url_problems(const std::string& value) {
  std::vector<std::string> problems;
  parse_upstream(value, problems);
  return problems;
}

/// The only problem of `value`.
inline std::string problem_of(const std::string& value) {
  const auto problems = url_problems(value);
  INFO(value);
  REQUIRE(problems.size() == 1);
  return problems.front();
}

}  // namespace culvert::test
