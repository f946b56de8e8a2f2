#include "options/help.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "options/run_defaults.h"

namespace culvert {
namespace {

constexpr std::size_t kColumn = 28;       // where the text of a flag begins
constexpr std::size_t kWidth = 80;        // of the help on a command
constexpr std::size_t kUsageColumn = 33;  // where the text of a command does

void replace(std::string& text, std::string_view name, std::string_view value) {
  const std::size_t found = text.find(name);
  if (found != std::string::npos) text.replace(found, name.size(), value);
}

void append_usage(std::string& text) {
  // What the default does is the rest of the text.
  text += fmt::format("Usage: culvert {}\n", kCommands.front().usage);
  for (const Command& command : std::span(kCommands).subspan(1)) {
    text += fmt::format("       culvert {:<{}}{}\n", command.usage, kUsageColumn, command.help);
  }
}

/// `text` as lines of at most `width` bytes, broken anew between words.
std::string fill(std::string_view text, std::size_t width) {
  std::string out;
  std::size_t length = 0;
  while (true) {
    const std::size_t begin = text.find_first_not_of(" \n");
    if (begin == std::string_view::npos) return out;
    text.remove_prefix(begin);
    const std::string_view word = text.substr(0, text.find_first_of(" \n"));
    const bool fits = length + 1 + word.size() <= width;
    if (!out.empty()) out += fits ? ' ' : '\n';
    length = out.empty() || !fits ? word.size() : length + 1 + word.size();
    out += word;
    text.remove_prefix(word.size());
  }
}

/// What stands before the table in the help of a flag.
std::string_view before_table(std::string_view help) { return help.substr(0, help.find("\n  ")); }

/// The purpose of a flag as one line.
std::string summarize(std::string_view help) {
  std::string text(before_table(help));
  std::replace(text.begin(), text.end(), '\n', ' ');
  for (const std::string_view end : {"; ", " (", ": "}) {
    text.resize(std::min(text.size(), text.find(end)));
  }
  return text;
}

Config defaults_of(const Command& command) {
  Config config;
  if (command.name != "run") return config;
  for (const RunDefault& row : kRunDefaults) {
    read_flag_value(find_flag(row.flag)->value, std::string(row.value), config);
  }
  return config;
}

void append_entry(std::string& text, std::string_view left, std::string_view help) {
  text += fmt::format("  {:<{}}", left, kColumn - 2);
  // A name that leaves no gap before the column has its help on the next line.
  if (left.size() + 4 > kColumn) text += fmt::format("\n{:{}}", "", kColumn);
  while (true) {
    const std::size_t end = help.find('\n');
    text += help.substr(0, end);
    text += '\n';
    if (end == std::string_view::npos) return;
    help.remove_prefix(end + 1);
    text += std::string(kColumn, ' ');
  }
}

}  // namespace

const std::string_view kExamples =
    R"(  Docker and others through an SSH tunnel:
    ssh -N -D 127.0.0.1:1080 user@host &
    culvert --upstream socks5://127.0.0.1:1080
    https_proxy=http://127.0.0.1:3128 curl https://gcr.io/v2/

  Containers, too, with a second way out for when the first is down:
    culvert --listen 127.0.0.1:3128 --listen 172.17.0.1:3128 \
            --allow-client 172.17.0.0/16 \
            --upstream tunnel=socks5://127.0.0.1:1080 \
            --upstream office=http://proxy.example:3128
)";

std::string help_on(const Flag& flag, const Config& defaults) {
  std::string text(flag.help);
  if (const auto limits = show_limits(flag.value)) {
    replace(text, "{least}", limits->least);
    replace(text, "{most}", limits->most);
  }
  replace(text, "{default}", show_flag_value(flag.value, defaults));
  return text;
}

std::string summary_of(const Flag& flag) { return summarize(help_on(flag)); }
std::string summary_of(const CommandFlag& flag) { return summarize(flag.help); }

std::string help_text() {
  std::string text =
      "culvert - an HTTP proxy that leaves through SOCKS, HTTP or HTTPS proxies\n"
      "\n";
  append_usage(text);
  std::string_view group;
  for (const Flag& flag : flags()) {
    if (flag.group != group) text += fmt::format("\n{}\n", flag.group);
    group = flag.group;
    append_entry(text, fmt::format("--{} {}", flag.name, flag.placeholder), help_on(flag));
  }
  for (const CommandFlag& flag : kCommandFlags) {
    if (flag.command != kCommands.front().name) continue;
    append_entry(text, fmt::format("--{}", flag.name), flag.help);
  }
  append_entry(text, "--help, -h", "print this text");
  append_entry(text, "--version", "print the version, and those of the libraries");
  text +=
      "\n"
      "  Each flag may also come from the environment, as CULVERT_CONNECT_TIMEOUT=5s; a "
      "repeatable\n"
      "  one takes its values separated by white space. Flags win over variables, variables over\n"
      "  the file.\n"
      "\n"
      "  SIGTERM drains, SIGHUP reads the configuration again, SIGUSR2 hands over to a new "
      "process.\n"
      "\n"
      "  culvert COMMAND --help tells the options of a command.\n"
      "\n"
      "Examples\n";
  text += kExamples;
  return text;
}

std::string help_on_command(const Command& command) {
  const Config defaults = defaults_of(command);
  std::string text = fmt::format("Usage: culvert {}\n\n{}", command.usage, command.about);
  const auto append = [&](std::string_view name, std::string_view placeholder,
                          std::string_view help) {
    append_entry(text, fmt::format("--{} {}", name, placeholder), fill(help, kWidth - kColumn));
  };
  if (command.name == "setup") {
    text += "\nTargets\n";
    for (const SetupTarget& target : kSetupTargets) append_entry(text, target.name, target.help);
  }
  std::string_view title = "\nOptions\n";
  for (const CommandFlag& flag : kCommandFlags) {
    if (flag.command != command.name) continue;
    text += std::exchange(title, "");
    append(flag.name, flag.placeholder, flag.help);
  }
  title = "\nOptions of the proxy that are needed first\n";
  for (const std::string_view name : split(command.proxy_flags, ' ')) {
    const Flag* flag = find_flag(name);
    if (flag == nullptr) continue;
    text += std::exchange(title, "");
    append(name, flag->placeholder, before_table(help_on(*flag, defaults)));
  }
  text += fmt::format("\nExamples\n{}\nculvert --help tells all options of the proxy.\n",
                      command.examples);
  return text;
}

}  // namespace culvert
