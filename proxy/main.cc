#include <string>
#include <variant>
#include <vector>

#include "commands/check.h"
#include "commands/config_question.h"
#include "commands/run.h"
#include "commands/serve.h"
#include "commands/setup.h"
#include "commands/standard_streams.h"
#include "commands/status.h"
#include "commands/version.h"
#include "net/passed_sockets.h"
#include "net/signals.h"
#include "options/command_line.h"
#include "options/environment.h"
#include "server/ruleset.h"

int main(int argc, char** argv) {
  const culvert::EarlySignals early_signals;
  culvert::fill_standard_descriptors();
  const culvert::Inheritance inheritance = culvert::take_inheritance();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const culvert::Environment environment = culvert::process_environment();
  culvert::CommandLine line = culvert::parse_command_line(arguments, environment);
  // They are for one that serves.
  if (std::get_if<culvert::Config>(&line) == nullptr) early_signals.give_back();
  if (const auto* usage = std::get_if<culvert::Usage>(&line)) {
    culvert::print(stdout, usage->text);
    if (usage->then_libraries) culvert::print(stdout, culvert::library_versions());
    return culvert::flushed(0);
  }
  if (auto* problems = std::get_if<culvert::Problems>(&line)) {
    culvert::find_certificate_problems(problems->upstreams, problems->listen, problems->lines);
    for (const std::string& problem : problems->lines) culvert::complain(problem);
    return 2;
  }
  if (const auto* question = std::get_if<culvert::ConfigQuestion>(&line)) {
    return culvert::flushed(culvert::answer_config_question(*question));
  }
  if (const auto* question = std::get_if<culvert::RouteQuestion>(&line)) {
    return culvert::flushed(culvert::check_route(*question));
  }
  if (const auto* options = std::get_if<culvert::CheckOptions>(&line)) {
    return culvert::flushed(culvert::check(*options));
  }
  if (const auto* options = std::get_if<culvert::SetupOptions>(&line)) {
    return culvert::flushed(culvert::setup(*options));
  }
  if (const auto* options = std::get_if<culvert::StatusOptions>(&line)) {
    return culvert::flushed(culvert::status(*options));
  }
  if (const auto* options = std::get_if<culvert::RunOptions>(&line)) {
    return culvert::run(*options, inheritance);
  }
  const auto read_again = [&] {
    return culvert::parse_command_line(arguments, environment, culvert::ReadWhen::serving);
  };
  return culvert::serve(std::get<culvert::Config>(line), read_again, inheritance,
                        culvert::Invocation::of(argc, argv));
}
