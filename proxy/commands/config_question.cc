#include "commands/config_question.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "commands/config_text.h"
#include "commands/proxy_start.h"
#include "commands/standard_streams.h"
#include "server/ruleset.h"

namespace culvert {
namespace {

std::string count_of(std::size_t count, std::string_view what) {
  std::string text;
  append_number(text, count);
  return concat({text, " ", what, count == 1 ? "" : "s"});
}

}  // namespace

std::string valid_config_line(const Config& config) {
  return concat({"the configuration is valid: ", count_of(config.listen.size(), "listener"), ", ",
                 config.upstream_given ? count_of(config.upstream_count, "upstream")
                                       : std::string("no upstream (direct)"),
                 ", ", count_of(config.routes.size(), "route")});
}

int answer_config_question(const ConfigQuestion& question) {
  const Config& config = question.config;
  std::vector<std::string> problems;
  // As a start and a reload do.  A file for the access log was looked at when it was read, and is
  // not made.
  if (question.check) {
    if (std::string few = file_limit_problem(config); !few.empty()) problems.push_back(few);
    static_cast<void>(make_ruleset(config, problems));
    if (config.access_log == kJournalAsLog) static_cast<void>(open_journal(problems));
  }
  if (!problems.empty()) {
    for (const std::string& problem : problems) complain(problem);
    return 2;
  }
  for (const std::string& warning : config.warnings) complain("warning: " + warning);
  const std::string few_files = question.check ? file_limit_warning(config) : std::string();
  if (!few_files.empty()) complain("warning: " + few_files);
  print(stdout, question.print
                    ? config_text(question.settings, config,
                                  question.explain ? ConfigDetail::explained : ConfigDetail::values)
                    : valid_config_line(config) + "\n");
  return 0;
}

}  // namespace culvert
