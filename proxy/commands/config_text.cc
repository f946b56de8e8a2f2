#include "commands/config_text.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/redact.h"
#include "base/text.h"
#include "options/flags.h"
#include "options/help.h"
#include "options/redact_upstream.h"
#include "setup/quote.h"

namespace culvert {
namespace {

using Detail = ConfigDetail;

constexpr std::string_view kHead =
    "# What culvert runs with, and where each value came from.  Lines that begin with '#' set "
    "nothing:\n"
    "# they are defaults, or secrets, which are not shown.\n";

/// A value, and where it came from; empty: it is a default.
struct Shown {
  std::string value;
  std::string origin;
  bool secret = false;  ///< `value` is not all of it, so it must set nothing
};

/// A whole number or a switch needs no quotes.
std::string toml_value(const std::string& text) {
  const bool number = !text.empty() && std::all_of(text.begin(), text.end(), is_digit) &&
                      (text.size() == 1 || text[0] != '0');
  return number || text == "true" || text == "false" ? text : quote_toml(text);
}

/// "--listen", "CULVERT_LISTEN", or "FILE:3" of "FILE:3: listen".
std::string place_of(const Given& given, std::string_view flag) {
  const std::string behind = concat({": ", flag});
  std::string place = printable(given.origin);
  if (place.ends_with(behind)) place.resize(place.size() - behind.size());
  return place;
}

/// As it was given: text with rules of its own.
Shown given_value(const Given& given, std::string_view flag) {
  std::string place = place_of(given, flag);
  auto hidden = flag == "upstream" ? with_login_hidden(given.value) : std::nullopt;
  if (hidden) return {std::move(*hidden), std::move(place), true};
  return {given.value, std::move(place)};
}

std::vector<Shown> values_of(const Flag& flag, const Settings& settings, const Config& config) {
  std::vector<Shown> out;
  const std::vector<Given>& given = settings.of(flag.name);
  const auto* const own = std::get_if<OwnReader>(&flag.value);
  if (own == nullptr) {
    out.push_back({show_flag_value(flag.value, config),
                   given.empty() ? std::string() : place_of(given.back(), flag.name)});
  } else if (!given.empty()) {
    for (const Given& one : given) out.push_back(given_value(one, flag.name));
  } else if (own->when_missing != nullptr) {
    for (std::string& value : own->when_missing(config)) out.push_back({std::move(value), {}});
  }
  return out;
}

/// One that a file cannot set, or that must not stand in one.
bool is_comment(const Flag& flag) {
  return flag.name == "config" || std::holds_alternative<SecretValue>(flag.value);
}

void append_array(const Flag& flag, const std::vector<Shown>& values, std::string& text) {
  text.append(flag.name).append(" = [\n");
  for (const Shown& shown : values) {
    text += concat({shown.secret ? "  # " : "  ", toml_value(shown.value), ",  # ",
                    shown.secret ? "secret, from " : "", shown.origin, "\n"});
  }
  const bool none_left =
      std::all_of(values.begin(), values.end(), [](const Shown& shown) { return shown.secret; });
  // An empty array would be the default: for upstreams, to go direct.
  if (none_left) text += "  \"\",  # a secret belongs here, and nothing starts without it\n";
  text += "]\n";
}

/// In one line: a default may have several values, too.
void append_default(const Flag& flag, const std::vector<Shown>& values, Detail detail,
                    std::string& text) {
  std::string list;
  for (const Shown& shown : values) {
    // The file may be for another machine, with other processors.
    if (shown.value.empty() || (detail == Detail::explained && flag.name == "threads")) continue;
    list.append(list.empty() ? "" : ", ").append(toml_value(shown.value));
  }
  const bool is_set = !list.empty();
  if (!is_set && detail == Detail::values) {
    text += concat({"#", flag.name, " is not set\n"});
    return;
  }
  // What may stand there, as help has it.
  if (!is_set) list = quote_toml(flag.placeholder);
  const bool array = flag.repeatable;
  text += concat({"#", flag.name, " = ", array ? "[" : "", list, array ? "]" : "",
                  is_set && detail == Detail::values ? "  # default\n" : "\n"});
}

/// Tables in it stay as they are.
void append_explanation(const Flag& flag, std::string& text) {
  text += "# ";
  for (const char c : help_on(flag)) {
    text += c;
    if (c == '\n') text += "# ";
  }
  text += '\n';
}

void append_flag(const Flag& flag, const Settings& settings, const Config& config, Detail detail,
                 std::string& text) {
  const std::vector<Shown> values = values_of(flag, settings, config);
  if (values.empty() || values.front().origin.empty()) {
    return append_default(flag, values, detail, text);
  }
  if (flag.repeatable) return append_array(flag, values, text);
  const Shown& shown = values.front();
  const std::string value =
      std::holds_alternative<SecretValue>(flag.value) ? std::string(kHidden) : shown.value;
  text += concat({is_comment(flag) ? "#" : "", flag.name, " = ", toml_value(value), "  # ",
                  shown.origin, "\n"});
}

}  // namespace

std::string config_text(const Settings& settings, const Config& config, Detail detail) {
  std::string text(kHead);
  std::string_view group;
  for (const Flag& flag : flags()) {
    // A file does not name itself.
    if (detail == Detail::explained && flag.name == "config") continue;
    if (flag.group != group) text += concat({"\n# ", flag.group, "\n"});
    group = flag.group;
    if (detail == Detail::explained) {
      text += '\n';
      append_explanation(flag, text);
    }
    append_flag(flag, settings, config, detail, text);
  }
  return text;
}

}  // namespace culvert
