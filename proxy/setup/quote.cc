#include "setup/quote.h"

#include <fmt/format.h>

#include "base/text.h"

namespace culvert {
namespace {

/// With a backslash before each of `special`, and quotes around it.
std::string in_quotes(std::string_view value, std::string_view special) {
  std::string quoted = "\"";
  for (const char c : value) {
    if (special.find(c) != std::string_view::npos) quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string doubled(std::string_view value, std::string_view special) {
  std::string changed;
  for (const char c : value) {
    if (special.find(c) != std::string_view::npos) changed += c;
    changed += c;
  }
  return changed;
}

/// ${NAME} would be replaced by the variable, were it not for an odd number of backslashes before
/// it, of which npm leaves half.
std::string without_expansion(std::string_view value) {
  std::string changed;
  std::size_t backslashes = 0;  // just before the next character
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::size_t end = value.find_first_of("${}", i + 2);
    const bool expands = value.substr(i).starts_with("${") && end != std::string_view::npos &&
                         end > i + 2 && value[end] == '}';
    if (expands) changed.append(backslashes + 1, '\\');
    changed += value[i];
    backslashes = value[i] == '\\' ? backslashes + 1 : 0;
  }
  return changed;
}

}  // namespace

std::string quote_unit_word(std::string_view word) {
  const std::string changed = doubled(word, "%$");
  const bool plain = !word.empty() && word.find_first_of(" \t\"'\\;#") == std::string_view::npos;
  return plain ? changed : in_quotes(changed, "\\\"");
}

std::string quote_environment_file(std::string_view value) { return in_quotes(value, "\\\"`$"); }

std::string quote_shell(std::string_view value) {
  std::string quoted = "'";
  for (const char c : value) {
    // Within single quotes fish takes a backslash for an escape, and sh does not.
    if (c == '\'') {
      quoted += "'\\''";
    } else if (c == '\\') {
      quoted += "'\\\\'";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string quote_toml(std::string_view value) {
  std::string text = in_quotes(value, "\\\"");
  std::string quoted;
  for (const char c : text) {
    if (is_control(c)) {
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted;
}

std::string quote_git(std::string_view value) { return in_quotes(value, "\\\""); }

std::string quote_npm(std::string_view value) {
  const bool plain = trim(value) == value &&
                     value.find_first_of("\"'\\;#${}") == std::string_view::npos &&
                     !value.starts_with('[');
  return plain ? std::string(value) : "\"" + json_escape(without_expansion(value)) + "\"";
}

}  // namespace culvert
