#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <vector>

#include "commands/serve.h"
#include "config/command_line.h"
#include "config/environment.h"

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const culvert::CommandLine line = culvert::parse_command_line(arguments, culvert::process_environment());
  if (const auto* usage = std::get_if<culvert::Usage>(&line)) {
    fmt::print("{}", usage->text);
    return 0;
  }
  if (const auto* problems = std::get_if<culvert::Problems>(&line)) {
    for (const std::string& problem : problems->lines) fmt::print(stderr, "culvert: {}\n", problem);
    return 2;
  }
  return culvert::serve(std::get<culvert::Config>(line));
}
