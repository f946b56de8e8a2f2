#include "options/config_file.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/redact.h"
#include "base/text.h"
#include "options/flags.h"
#include "options/toml.h"

namespace culvert {
namespace {

/// "connect_timeout" is the usual spelling in TOML.
std::string flag_of_key(std::string_view key) {
  std::string name(key);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

void add_entry(const TomlEntry& entry, std::string_view path, Source& source) {
  const std::string place = fmt::format("{}:{}: ", path, entry.line);
  const std::string name = flag_of_key(entry.key);
  const Flag* flag = find_flag(name);
  if (flag == nullptr) {
    const std::string_view nearest = nearest_flag(name);
    source.problems.push_back(fmt::format("{}{}: unknown flag{}", place, redact(entry.key),
                                          find_flag(nearest) == nullptr
                                              ? std::string()
                                              : fmt::format(" (did you mean {}?)", nearest)));
    return;
  }
  if (flag->name == "config") {
    source.problems.push_back(place + "config: a file cannot name another");
    return;
  }
  if (entry.is_array && !flag->repeatable) {
    source.problems.push_back(fmt::format("{}{}: takes one value, not an array", place, name));
    return;
  }
  for (const TomlEntry::Value& value : entry.values) {
    if (trim_space(value.text).empty()) {
      source.problems.push_back(fmt::format("{}{}: needs a value", place, name));
      continue;
    }
    const std::string origin = fmt::format("{}:{}: {}", path, value.line, name);
    source.settings.add_given(*flag, value.text, origin, kLineBreak);
  }
}

}  // namespace

Source read_config_text(std::string_view text, std::string_view path) {
  Source source;
  std::vector<std::string> found;
  std::map<std::string, const TomlEntry*> seen;
  const std::vector<TomlEntry> entries = read_toml(text, found);
  for (const TomlEntry& entry : entries) {
    const std::string name = flag_of_key(entry.key);
    const TomlEntry& first = *seen.emplace(name, &entry).first->second;
    if (&first == &entry || find_flag(name) == nullptr) {
      add_entry(entry, path, source);
      continue;
    }
    // Two keys to TOML, one flag to us; the very same key twice is a problem of read_toml().
    source.problems.push_back(fmt::format("{}:{}: {}: stands in line {} already, as {}", path,
                                          entry.line, entry.key, first.line, first.key));
  }
  for (const std::string& problem : found) {
    source.problems.push_back(fmt::format("{}:{}", path, problem));
  }
  return source;
}

Source read_config_file(const std::string& path, std::string_view origin, ReadWhen when) {
  const FileContent content = read_file(path, when);
  if (content.problem.empty()) return read_config_text(content.text, printable(path));
  Source source;
  source.problems.push_back(fmt::format("{} {}: {}", origin, redact(path), content.problem));
  return source;
}

}  // namespace culvert
