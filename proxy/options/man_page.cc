#include "options/man_page.h"

#include <type_traits>
#include <variant>

#include <fmt/format.h>

#include "base/text.h"
#include "options/command_table.h"
#include "options/environment.h"
#include "options/flags.h"
#include "options/help.h"

namespace culvert {
namespace {

/// One line of text as roff shows it unchanged.
std::string escape(std::string_view line) {
  std::string out;
  // At the beginning of a line these two call a macro.
  if (line.starts_with('.') || line.starts_with('\'')) out += "\\&";
  for (const char c : line) {
    switch (c) {
      case '\\':
        out += "\\(rs";
        break;
      case '-':
        out += "\\-";
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string bold(std::string_view text) { return fmt::format("\\fB{}\\fR", escape(text)); }
std::string italic(std::string_view text) {
  return text.empty() ? std::string() : fmt::format(" \\fI{}\\fR", escape(text));
}

/// "--listen, --threads" of the flags that `chosen` takes, each as `write` has it.
template <typename Chosen, typename Write>
std::string list_of_flags(Chosen chosen, Write write) {
  std::string list;
  for (const Flag& flag : flags()) {
    if (!chosen(flag)) continue;
    list += fmt::format("{}{}", list.empty() ? "" : ",\n", bold(write(flag)));
  }
  return list;
}

/// Lines are filled, but those that begin with two spaces stay as they are.
void append_lines(std::string& page, std::string_view text) {
  bool in_table = false;
  if (text.ends_with('\n')) text.remove_suffix(1);
  while (true) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const bool is_table = line.starts_with("  ") || (in_table && line.empty());
    if (is_table != in_table) page += is_table ? ".EX\n" : ".EE\n";
    in_table = is_table;
    page += escape(line) + "\n";
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  if (in_table) page += ".EE\n";
}

void append_synopsis(std::string& page) {
  page += ".SH SYNOPSIS\n";
  std::string_view separator;
  for (const Command& command : kCommands) {
    page += fmt::format("{}{} {}\n", separator, bold("culvert"), escape(command.usage));
    separator = ".br\n";
  }
}

void append_flag(std::string& page, std::string_view name, std::string_view placeholder,
                 std::string_view help) {
  page += fmt::format(".TP\n{}{}\n", bold(fmt::format("--{}", name)), italic(placeholder));
  append_lines(page, help);
}

void append_flags(std::string& page) {
  page +=
      ".SH OPTIONS\n"
      "Those of the proxy, for serve, run and check; setup systemd writes them into the\n"
      "file of the service.\n";
  std::string_view group;
  for (const Flag& flag : flags()) {
    if (flag.group != group) page += fmt::format(".SS {}\n", escape(flag.group));
    group = flag.group;
    append_flag(page, flag.name, flag.placeholder, help_on(flag));
  }
  page += fmt::format(".TP\n{}, {}\nprint a short form of this text\n", bold("--help"), bold("-h"));
  page +=
      fmt::format(".TP\n{}\nprint the version, and those of the libraries\n", bold("--version"));
}

void append_command_flags(std::string& page, const Command& command) {
  for (const CommandFlag& flag : kCommandFlags) {
    if (flag.command == command.name) append_flag(page, flag.name, flag.placeholder, flag.help);
  }
  if (command.name != "setup") return;
  page += ".PP\nThe targets:\n";
  for (const SetupTarget& target : kSetupTargets) {
    page += fmt::format(".TP\n{}\n{}\n", bold(target.name), escape(target.help));
  }
}

void append_commands(std::string& page) {
  page += ".SH COMMANDS\n";
  for (const Command& command : kCommands) {
    page += fmt::format(".SS {}\n{} {}\n.br\n", escape(command.name), bold("culvert"),
                        escape(command.usage));
    append_lines(page, command.about);
    append_command_flags(page, command);
    page += ".PP\n";
    append_lines(page, command.examples);
  }
}

void append_environment(std::string& page) {
  page +=
      ".SH ENVIRONMENT\n"
      "Each flag of the proxy may also come from a variable, but for setup; a repeatable one takes "
      "its values\n"
      "separated by white space (not beside a comma), and an empty variable is none:\n";
  page += list_of_flags([](const Flag&) { return true; },
                        [](const Flag& flag) { return variable_name(flag.name); });
  page += ".\n";
}

void append_head(std::string& page, std::string_view title, std::string_view version,
                 std::string_view book, std::string_view name) {
  page += fmt::format(".TH {} \"\" \"culvert {}\" \"{}\"\n", title, version, book);
  // Names of flags and variables would be hyphenated, from each heading on again by groff's macros.
  page += fmt::format(".nh\n.nr HY 0\n.ad l\n.SH NAME\n{}\n", name);
}

/// How a file is read.
void append_file(std::string& page) {
  page += fmt::format(
      "The file of {} is TOML:\n"
      "its keys are the names of flags, without dashes before them,\n"
      "and a repeatable flag takes an array.\n"
      "White space around a value never counts, wherever it stands.\n"
      "Flags win over variables, variables over the file.\n"
      "Mistakes are told all at once, each with its place.\n",
      bold("--config"));
}

/// What stands behind the '=' of a key.
std::string type_of(const Flag& flag) {
  std::string type = std::visit(
      [](const auto& kind) -> std::string {
        using Kind = std::decay_t<decltype(kind)>;
        if constexpr (std::is_same_v<Kind, SwitchValue>) return "true or false";
        if constexpr (std::is_same_v<Kind, RateValue>) return "bytes a second, as \"20M\"";
        if constexpr (std::is_same_v<Kind, StallLimitValue>) return "a time and a rate, as text";
        if constexpr (requires { kind.at_most; }) return "a whole number";
        if constexpr (requires { kind.limits; }) return "a time, as \"12s\", or seconds";
        return "text";
      },
      flag.value);
  if (flag.repeatable) type = "an array of texts";
  std::string names;
  for (const std::string_view name : keywords(flag.value)) {
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", name);
  }
  if (!names.empty()) type += fmt::format(" ({})", names);
  return type;
}

void append_key(std::string& page, const Flag& flag) {
  const std::string help = help_on(flag);
  page += fmt::format(".TP\n{} = {}\n", bold(flag.name), escape(type_of(flag)));
  append_lines(page, help);
  const bool is_switch = std::holds_alternative<SwitchValue>(flag.value);
  page +=
      fmt::format(".br\n{}Variable {}; {}.\n",
                  help.find("(default") != std::string::npos ? ""
                  : is_switch                                ? "Default: false. "
                                                             : "Not set by default. ",
                  bold(variable_name(flag.name)),
                  flag.restart_if == nullptr ? "a reload takes it" : "a change may need a restart");
}

void append_signals(std::string& page) {
  page += fmt::format(
      ".SH SIGNALS\n"
      ".TP\n{}, {}\n"
      "take no new connections, let what runs finish within\n"
      "{}, and leave; a second one ends at once\n"
      ".TP\n{}\n"
      "read the configuration file and all other files anew,\n"
      "and open the access log anew.\n"
      "Open connections keep what they began with.\n"
      "A configuration with mistakes changes nothing.\n"
      "A change of these may need a restart, which is logged then:\n",
      bold("SIGTERM"), bold("SIGINT"), bold("--drain-timeout"), bold("SIGHUP"));
  page += list_of_flags([](const Flag& flag) { return flag.restart_if != nullptr; },
                        [](const Flag& flag) { return fmt::format("--{}", flag.name); });
  page += fmt::format(
      ".\n"
      ".TP\n{}\n"
      "start the program anew, as its file is now, with the same\n"
      "arguments and environment, and hand the listening sockets over\n"
      "to it: no client is refused.\n"
      "This process ends with its last tunnel, or {} after\n"
      "{}.\n"
      "As a service of systemd this takes Type=notify.\n"
      "If the new one cannot serve, nothing changes.\n",
      bold("SIGUSR2"), bold("--drain-timeout"), bold("SIGTERM"));
}

void append_exit_status(std::string& page) {
  page +=
      ".SH EXIT STATUS\n"
      ".TP\n\\fB0\\fR\nafter a drain, or when what was asked for has been printed\n"
      ".TP\n\\fB1\\fR\nthe proxy could not start, as when a port is taken,\n"
      "check or setup found something that is not well, or status got no answer\n"
      ".TP\n\\fB2\\fR\nflags, variables or files hold a mistake, or status found no culvert\n"
      ".PP\nrun ends as its program does, with 128 and the number of the signal that ended it.\n";
}

}  // namespace

std::string man_page(std::string_view version) {
  std::string page;
  append_head(page, "CULVERT 1", version, "User Commands",
              "culvert \\- an HTTP proxy that leaves through SOCKS, HTTP or HTTPS proxies");
  append_synopsis(page);
  page +=
      ".SH DESCRIPTION\n"
      "Programs that know HTTP proxies, such as docker, registries and browsers,\n"
      "reach the Internet through an upstream proxy, often the end of a tunnel.\n"
      "Several upstreams are tried in their order; routes choose by target.\n";
  append_commands(page);
  append_flags(page);
  append_environment(page);
  page += ".SH CONFIGURATION FILE\n";
  append_file(page);
  append_signals(page);
  append_exit_status(page);
  page += ".SH EXAMPLES\n";
  append_lines(page, kExamples);
  page += fmt::format(".SH SEE ALSO\n{}(5)\n", bold(kFilePage));
  return page;
}

std::string file_man_page(std::string_view version) {
  std::string page;
  append_head(page, "CULVERT.TOML 5", version, "File Formats",
              "culvert.toml \\- configuration file of culvert");
  page += ".SH DESCRIPTION\n";
  append_file(page);
  page += fmt::format(
      ".PP\n{} reads it as a start would, and tells each mistake;\n"
      "{} prints what is in effect, as such a file.\n"
      ".SH OPTIONS\n",
      bold("culvert --check-config"), bold("culvert --print-config"));
  std::string_view group;
  for (const Flag& flag : flags()) {
    if (flag.name == "config") continue;
    if (flag.group != group) page += fmt::format(".SS {}\n", escape(flag.group));
    group = flag.group;
    append_key(page, flag);
  }
  page += fmt::format(
      ".SH FILES\n.TP\n{}\n"
      "where the service of {} has it\n"
      ".SH EXAMPLES\n.EX\n"
      "  upstream = [\"tunnel=socks5://127.0.0.1:1080\", \"office=http://proxy.example:3128\"]\n"
      "  route = [\".corp.example=office\"]\n"
      "  drain\\-timeout = \"10s\"\n"
      ".EE\n"
      ".SH SEE ALSO\n{}(1)\n",
      bold("/etc/culvert/culvert.toml"), bold("culvert setup systemd"), bold("culvert"));
  return page;
}

}  // namespace culvert
