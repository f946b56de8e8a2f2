#include "setup/npm_config.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/json.h"
#include "base/text.h"

namespace culvert {
namespace {

using NpmSettings = std::map<std::string, std::string>;

/// Whether all of `text` stands in a pair of such quotes.
bool is_quoted(std::string_view text, char quote) {
  return text.size() > 1 && text.starts_with(quote) && text.ends_with(quote);
}

/// Without a comment at its end, and without backslashes.
std::string unescaped_word(std::string_view text) {
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (c == '\\' && (next == '\\' || next == ';' || next == '#')) {
      value += next;
      ++i;
    } else if (c == ';' || c == '#') {
      break;
    } else {
      value += c;
    }
  }
  return std::string(trim(value));
}

/// A name or value as npm takes it.
std::string npm_text(std::string_view text) {
  text = trim_space(text);
  const bool single = is_quoted(text, '\'');
  if (!single && !is_quoted(text, '"')) return unescaped_word(text);
  if (single) text = text.substr(1, text.size() - 2);
  const auto json = Json::parse(concat({"{\"value\":", text, "}"}));
  if (!json) return std::string(text);
  return json->at("value").text().value_or(std::string(text));
}

std::optional<std::pair<std::string, std::string>> read_npm_line(std::string_view line) {
  line = trim_space(line);
  if (line.empty() || line.starts_with('#') || line.starts_with(';')) return std::nullopt;
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) return std::pair(npm_text(line), std::string("true"));
  std::string name = npm_text(line.substr(0, equals));
  if (name.ends_with("[]")) name.resize(name.size() - 2);
  return std::pair(std::move(name), npm_text(line.substr(equals + 1)));
}

/// Of a [section].
bool is_heading(std::string_view line) {
  return line.starts_with('[') && trim_space(line.substr(line.find(']') + 1)).empty() &&
         line.find(']') != std::string_view::npos;
}

/// Calls `visit(line, begin)` for each line before the first section, its end included.
template <typename Visit>
void for_each_line(std::string_view text, Visit visit) {
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    const std::string_view line = text.substr(begin, end - begin);
    if (is_heading(line)) return;
    visit(line, begin);
    begin = end;
  }
}

}  // namespace

NpmSettings read_npm_settings(std::string_view text) {
  NpmSettings settings;
  for_each_line(text, [&](std::string_view line, std::size_t) {
    if (auto setting = read_npm_line(line)) settings[setting->first] = std::move(setting->second);
  });
  return settings;
}

bool npm_wrote(std::string_view value, std::string_view given) {
  return value == given || (value.starts_with(given) && value.substr(given.size()) == "/");
}

std::size_t end_of_npm_settings(std::string_view text) {
  std::size_t end = 0;
  for_each_line(text, [&](std::string_view line, std::size_t begin) { end = begin + line.size(); });
  return end;
}

std::string without_npm_settings(std::string_view text, const NpmSettings& settings) {
  std::string rest;
  for_each_line(text, [&](std::string_view line, std::size_t) {
    const auto setting = read_npm_line(line);
    const auto found = setting ? settings.find(setting->first) : settings.end();
    if (found == settings.end() || !npm_wrote(setting->second, found->second)) rest += line;
  });
  return rest.append(text.substr(end_of_npm_settings(text)));
}

void read_npm(std::span<const ConfigFile> files, ConfiguredProxy& configured) {
  std::map<std::string, std::pair<std::string, const ConfigFile*>> all;
  for (const ConfigFile& file : files) {
    for (const auto& [name, value] : read_npm_settings(file.text)) all[name] = {value, &file};
  }
  const auto put = [&](const char* name, const char* variable) {
    const auto found = all.find(name);
    if (found == all.end()) return;
    const auto& [value, file] = found->second;
    // What ${NAME} is, only the environment of npm tells.
    if (value.find("${") != std::string::npos) return;
    const bool none = value == "null" || value == "false";
    configured.put(*file, {variable + (none ? std::string() : value)});
  };
  const auto https = all.find("https-proxy");
  const bool own = https != all.end() && https->second.first != "null";
  put("proxy", "HTTP_PROXY=");
  put(own ? "https-proxy" : "proxy", "HTTPS_PROXY=");
  put("noproxy", "NO_PROXY=");
}

}  // namespace culvert
