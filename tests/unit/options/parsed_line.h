#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "options/command_line.h"
#include "support/catch.h"

namespace culvert::test {

using Lines = std::vector<std::string>;

/// Of a command line without problems.
template <typename Options>
Options options_of(const std::vector<std::string>& arguments, const Environment& environment = {}) {
  CommandLine read = parse_command_line(arguments, environment);
  if (const auto* problems = std::get_if<Problems>(&read)) {
    for (const std::string& line : problems->lines) UNSCOPED_INFO(line);
  }
  REQUIRE(std::holds_alternative<Options>(read));
  return std::get<Options>(std::move(read));
}
inline Config config_of(const std::vector<std::string>& arguments,
                        const Environment& environment = {}) {
  return options_of<Config>(arguments, environment);
}

/// Of a command line that has some.
inline Lines problems_of(const std::vector<std::string>& arguments,
                         const Environment& environment = {}) {
  CommandLine read = parse_command_line(arguments, environment);
  REQUIRE(std::holds_alternative<Problems>(read));
  return std::get<Problems>(std::move(read)).lines;
}

}  // namespace culvert::test
