#include "options/man_page.h"

#include <sstream>
#include <string>
#include <string_view>

#include "options/command_table.h"
#include "options/environment.h"
#include "options/flags.h"
#include "support/catch.h"
#include "unit/options/help_gaps.h"

using namespace culvert;

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '-' ? std::string("\\-") : std::string(1, c);
  return out;
}

}  // namespace

TEST_CASE("the manual page has its title and sections") {
  const std::string page = man_page("1.2.3");
  CHECK(
      page.starts_with(".TH CULVERT 1 \"\" \"culvert 1.2.3\" \"User Commands\"\n"
                       ".nh\n.nr HY 0\n.ad l\n.SH NAME\nculvert \\- "));
  for (const char* const section :
       {"SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS", "ENVIRONMENT", "CONFIGURATION FILE",
        "SIGNALS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"}) {
    INFO(section);
    CHECK(page.find("\n.SH " + std::string(section) + "\n") != std::string::npos);
  }
}

TEST_CASE("every flag, variable and command is in the manual page") {
  const std::string page = man_page("");
  const std::size_t options = page.find("\n.SH OPTIONS\n");
  for (const Flag& flag : flags()) {
    INFO(flag.name);
    const std::string name = "\n.TP\n\\fB\\-\\-" + escaped(flag.name) + "\\fR";
    const std::size_t found = page.find(name, options);
    CHECK(found != std::string::npos);
    CHECK(page.find(name, found + 1) == std::string::npos);
    CHECK(page.find("\\fB" + variable_name(flag.name) + "\\fR") != std::string::npos);
  }
  for (const Command& command : kCommands) {
    INFO(command.name);
    CHECK(page.find("\n.SS " + escaped(command.name) + "\n\\fBculvert\\fR " +
                    escaped(command.usage) + "\n") != std::string::npos);
  }
}

TEST_CASE("the section of a command has its flags, and that of setup its targets") {
  const std::string page = man_page("");
  for (const CommandFlag& flag : kCommandFlags) {
    INFO(flag.command << " " << flag.name);
    const std::size_t begin = page.find("\n.SS " + std::string(flag.command) + "\n");
    REQUIRE(begin != std::string::npos);
    const std::string section = page.substr(begin, page.find("\n.S", begin + 1) - begin);
    CHECK(section.find("\n.TP\n\\fB\\-\\-" + escaped(flag.name) + "\\fR") != std::string::npos);
  }
  for (const SetupTarget& target : kSetupTargets) {
    CHECK(page.find("\n.TP\n\\fB" + escaped(target.name) + "\\fR\n") != std::string::npos);
  }
}

TEST_CASE("what needs a restart is named beside SIGHUP") {
  const std::string page = man_page("");
  const std::string signals = page.substr(page.find(".SH SIGNALS"));
  CHECK(signals.find("\\fB\\-\\-threads\\fR") != std::string::npos);
  CHECK(signals.find("\\fB\\-\\-route\\fR") == std::string::npos);
}

TEST_CASE(
    "the page of the file has each key, with type, default, variable and what a reload does") {
  const std::string page = file_man_page("1.2.3");
  CHECK(page.starts_with(".TH CULVERT.TOML 5 \"\" \"culvert 1.2.3\" \"File Formats\"\n.nh\n"));
  std::size_t keys = 0;
  for (const Flag& flag : flags()) {
    INFO(flag.name);
    const std::size_t begin = page.find("\n.TP\n\\fB" + escaped(flag.name) + "\\fR = ");
    // A file cannot name another one.
    CHECK((begin == std::string::npos) == (flag.name == "config"));
    if (begin == std::string::npos) continue;
    ++keys;
    const std::string entry = page.substr(begin, page.find("\n.TP\n", begin + 1) - begin);
    CHECK(entry.find("Variable \\fB" + variable_name(flag.name) + "\\fR; ") != std::string::npos);
    const bool reloads = entry.find("; a reload takes it.") != std::string::npos;
    CHECK(reloads == (flag.restart_if == nullptr));
    CHECK(reloads == (entry.find("; a change may need a restart.") == std::string::npos));
    const std::size_t told = entry.find("efault");
    CHECK(told != std::string::npos);
  }
  CHECK(keys + 1 == flags().size());
  const auto has = [&](const char* text) { return page.find(text) != std::string::npos; };
  CHECK(has("\\fBlisten\\fR = an array of texts\n"));
  CHECK(has("\\fBtake\\-over\\fR = true or false\n"));
  CHECK(has("\\fBthreads\\fR = a whole number\n"));
  CHECK(has("\\fBhedge\\fR = a time, as \"12s\", or seconds (\"off\")\n"));
  CHECK(has("\\fBlog\\-format\\fR = text (\"text\", \"json\")\n"));
  CHECK(has("\\fBreset\\-stalled\\fR = a time and a rate, as text (\"off\")\n"));
  CHECK(has(".br\nDefault: false. Variable \\fBCULVERT_TAKE_OVER\\fR; "));
  CHECK(has(".br\nNot set by default. Variable \\fBCULVERT_AUTH_FILE\\fR; "));
}

TEST_CASE("each line is text or a request that roff knows") {
  std::istringstream page(man_page("1") + file_man_page("1"));
  int in_table = 0;
  for (std::string line; std::getline(page, line);) {
    INFO(line);
    CHECK(line.find('\t') == std::string::npos);
    CHECK_FALSE(test::has_gap(line));
    // "\fB", "\-", "\(xx" and "\&" are all that is used.
    for (std::size_t at = 0; (at = line.find('\\', at)) != std::string::npos; at += 2) {
      REQUIRE(at + 1 < line.size());
      CHECK(std::string_view("f-(&").find(line[at + 1]) != std::string_view::npos);
    }
    if (line == ".EX") CHECK(in_table++ == 0);
    if (line == ".EE") CHECK(in_table-- == 1);
    if (line.empty()) CHECK(in_table == 1);
    if (!line.starts_with('.')) {
      CHECK_FALSE(line.starts_with('\''));
      continue;
    }
    const std::string request = line.substr(0, line.find(' '));
    const bool known = request == ".TH" || request == ".SH" || request == ".SS" ||
                       request == ".TP" || request == ".EX" || request == ".EE" ||
                       request == ".br" || line == ".PP" || line == ".nh" || line == ".nr HY 0" ||
                       line == ".ad l";
    CHECK(known);
  }
  CHECK(in_table == 0);
}
