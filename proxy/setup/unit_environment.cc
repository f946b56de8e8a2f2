#include "setup/unit_environment.h"

#include <fnmatch.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "base/text.h"
#include "setup/root.h"

namespace culvert {
namespace {

bool is_variable_name(std::string_view name) {
  const auto is_part = [](char c) { return c == '_' || is_letter_or_digit(c); };
  return !name.empty() && !is_digit(name[0]) && std::all_of(name.begin(), name.end(), is_part);
}

/// With "%" for "%%"; nullopt if it has another specifier, whose value is not known here.
std::optional<std::string> without_specifiers(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && (++i == text.size() || text[i] != '%')) return std::nullopt;
    plain += text[i];
  }
  return plain;
}

void set_variable(std::vector<UnitVariable>& all, std::string_view assignment,
                  const std::string& path) {
  const std::size_t equals = assignment.find('=');
  const std::string_view name = assignment.substr(0, equals);
  if (equals == std::string_view::npos || !is_variable_name(name)) return;
  UnitVariable variable{std::string(name), std::string(assignment.substr(equals + 1)), path};
  const auto same = std::find_if(all.begin(), all.end(), [&](const UnitVariable& other) {
    return other.name == variable.name;
  });
  if (same == all.end()) {
    all.push_back(std::move(variable));
  } else {
    *same = std::move(variable);
  }
}

/// All files that EnvironmentFile= means; its '-' says only that one need not be there.
std::vector<std::string> environment_files(const SetupFacts& facts, std::string_view value) {
  if (value.starts_with('-')) value.remove_prefix(1);
  const auto path = without_specifiers(value);
  if (!path || !path->starts_with('/')) return {};
  if (path->find_first_of("*?[") == std::string::npos) return {*path};
  const std::string folder = path->substr(0, path->rfind('/') + 1);
  std::vector<std::string> paths;
  for (const std::string& name : names_in(facts.root, folder)) {
    const std::string candidate = folder + name;
    if (fnmatch(path->c_str(), candidate.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0) {
      paths.push_back(candidate);
    }
  }
  return paths;
}

/// The settings of one key; an empty one takes all before it back.
std::vector<UnitSetting> settings_of(const UnitSettings& unit, std::string_view key) {
  std::vector<UnitSetting> kept;
  for (const UnitSetting& setting : unit.settings) {
    if (setting.key != key) continue;
    if (setting.value.empty()) {
      kept.clear();
    } else {
      kept.push_back(setting);
    }
  }
  return kept;
}

void add_environment(const UnitSettings& unit, UnitEnvironment& environment) {
  for (const UnitSetting& setting : settings_of(unit, "Environment")) {
    for (const std::string& word : unit_words(setting.value)) {
      const auto plain = without_specifiers(word);
      if (plain) set_variable(environment.variables, *plain, setting.path);
    }
  }
}

void add_environment_files(const SetupFacts& facts, const UnitSettings& unit,
                           UnitEnvironment& environment) {
  for (const UnitSetting& setting : settings_of(unit, "EnvironmentFile")) {
    for (const std::string& path : environment_files(facts, setting.value)) {
      const FoundFile file = find_file(facts.root, path);
      if (!file.problem.empty()) environment.unreadable = path + ": " + file.problem;
      for (const std::string& assignment : read_environment_file(file.content.value_or(""))) {
        set_variable(environment.variables, assignment, path);
      }
    }
  }
}

/// NAME takes the variable away, NAME=VALUE only if it has that value.
void take_away(const UnitSettings& unit, UnitEnvironment& environment) {
  for (const UnitSetting& setting : settings_of(unit, "UnsetEnvironment")) {
    for (const std::string& word : unit_words(setting.value)) {
      const auto is_meant = [&](const UnitVariable& variable) {
        return word == variable.name || word == variable.name + "=" + variable.value;
      };
      auto& all = environment.variables;
      const auto found = std::find_if(all.begin(), all.end(), is_meant);
      if (found == all.end()) continue;
      environment.removed.push_back({found->name, found->value, setting.path});
      all.erase(found);
    }
  }
}

/// An environment file, read from its begin on.
class EnvironmentText {
 public:
  explicit EnvironmentText(std::string_view text) : text_(text) {}

  /// The next NAME=VALUE; nullopt at the end.
  std::optional<std::string> next() {
    while (skip_to_name()) {
      const std::string name = take_name();
      if (at_ == text_.size() || text_[at_] != '=') continue;
      ++at_;
      std::string value = take_value();
      if (is_variable_name(name)) return concat({name, "=", value});
    }
    return std::nullopt;
  }

 private:
  bool is_end() const { return at_ == text_.size(); }
  bool is_line_end() const { return is_end() || text_[at_] == '\n' || text_[at_] == '\r'; }

  bool skip_to_name() {
    while (!is_end()) {
      const char c = text_[at_];
      if (c == '#' || c == ';') {
        skip_comment();
      } else if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
        return true;
      } else {
        ++at_;
      }
    }
    return false;
  }

  /// A backslash lets it go on in the next line.
  void skip_comment() {
    for (; !is_line_end(); ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
    }
  }

  std::string take_name() {
    const std::size_t begin = at_;
    while (!is_line_end() && text_[at_] != '=') ++at_;
    return std::string(trim_space(text_.substr(begin, at_ - begin)));
  }

  std::string take_value() {
    std::string value;
    while (true) {
      while (!is_end() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
      if (is_line_end()) return value;
      const char c = text_[at_];
      if (c != '"' && c != '\'') return value + take_plain();
      ++at_;
      take_quoted(c, value);
    }
  }

  std::string take_plain() {
    std::string value;
    std::size_t kept = 0;  // White space at the end does not count, unless it is escaped.
    for (; !is_line_end(); ++at_) {
      if (text_[at_] == '\\') {
        if (++at_ == text_.size()) break;
        if (text_[at_] != '\n') value += text_[at_];
        kept = value.size();
        continue;
      }
      value += text_[at_];
      if (text_[at_] != ' ' && text_[at_] != '\t') kept = value.size();
    }
    value.resize(kept);
    return value;
  }

  void take_quoted(char quote, std::string& value) {
    for (; !is_end() && text_[at_] != quote; ++at_) {
      if (quote == '"' && text_[at_] == '\\' && at_ + 1 < text_.size()) {
        const char c = text_[++at_];
        if (c == '\n') continue;
        if (c != '"' && c != '\\' && c != '`' && c != '$') value += '\\';
      }
      value += text_[at_];
    }
    if (!is_end()) ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

const UnitVariable* UnitEnvironment::find(std::string_view name) const {
  const auto same = std::find_if(variables.begin(), variables.end(),
                                 [&](const UnitVariable& other) { return other.name == name; });
  return same == variables.end() ? nullptr : &*same;
}

UnitEnvironment unit_environment(const SetupFacts& facts, const UnitName& unit, FilesToBe to_be) {
  const UnitSettings settings = read_unit(facts, unit, to_be);
  UnitEnvironment environment;
  environment.found = settings.found;
  environment.unreadable = settings.unreadable;
  add_environment(settings, environment);
  add_environment_files(facts, settings, environment);
  take_away(settings, environment);
  return environment;
}

std::vector<std::string> read_environment_file(std::string_view text) {
  std::vector<std::string> assignments;
  EnvironmentText reader(text);
  while (auto assignment = reader.next()) assignments.push_back(*std::move(assignment));
  return assignments;
}

}  // namespace culvert
