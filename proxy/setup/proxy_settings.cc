#include "setup/proxy_settings.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "base/json.h"
#include "base/text.h"

namespace culvert {
namespace {

/// Of variables that k3s has for its containerd alone.
constexpr std::string_view kContainerdPrefix = "CONTAINERD_";

/// What a file calls it, and the variable that means the same.
struct Setting {
  std::string_view name;
  std::string_view variable;
};

constexpr auto kJsonSettings = std::to_array<Setting>({
    {"http-proxy", "HTTP_PROXY"},
    {"https-proxy", "HTTPS_PROXY"},
    {"no-proxy", "NO_PROXY"},
    {"httpProxy", "HTTP_PROXY"},
    {"httpsProxy", "HTTPS_PROXY"},
    {"noProxy", "NO_PROXY"},
});
constexpr auto kVariables =
    std::to_array<std::string_view>({"http_proxy", "https_proxy", "no_proxy", "all_proxy"});

std::string assignment(std::string_view name, std::string_view value) {
  return std::string(name).append("=").append(value);
}

bool is_comment(std::string_view line) {
  return line.empty() || line.starts_with('#') || line.starts_with(';') || line.starts_with("//");
}

bool is_quote(char c) { return c == '"' || c == '\''; }

/// From `at` to `quote`, or to a blank if that is 0; without quotes and backslashes.
std::string read_value(std::string_view line, std::size_t at, char quote) {
  std::string value;
  for (; at < line.size(); ++at) {
    const char c = line[at];
    if (c == '\\' && at + 1 < line.size()) {
      value += line[++at];
    } else if (c == quote) {
      if (value.empty() || quote != '\0') break;
    } else if (quote == '\0' && is_quote(c)) {
      quote = c;
    } else if (quote == '\0' && (c == ' ' || c == '\t' || c == ';')) {
      break;
    } else {
      value += c;
    }
  }
  return value;
}

bool is_name_part(char c) { return c == '_' || is_letter_or_digit(c); }

/// A unit has each '%' twice.
std::string without_doubled_percent(std::string value) {
  for (std::size_t at = 0; (at = value.find("%%", at)) != std::string::npos; ++at) {
    value.erase(at, 1);
  }
  return value;
}

/// All assignments to `name` (in lower case) in a line.  One whose name begins with `prefix` is
/// found with it.
void read_variable(std::string_view line, std::string_view name, std::string_view prefix,
                   std::vector<std::string>& found) {
  const std::string lower = to_lower(line);
  const std::string wanted = assignment(name, "");
  for (std::size_t at = 0; (at = lower.find(wanted, at)) != std::string::npos;
       at += wanted.size()) {
    std::string_view before = line.substr(0, at);
    const std::size_t more = before.ends_with(prefix) ? prefix.size() : 0;
    before.remove_suffix(more);
    if (!before.empty() && is_name_part(before.back())) continue;
    const char quote = !before.empty() && is_quote(before.back()) ? before.back() : '\0';
    const std::string value = read_value(line, at + wanted.size(), quote);
    if (value.find('$') != std::string::npos) continue;
    const bool unit = line.starts_with("Environment=");
    add_settings(found, {assignment(line.substr(at - more, name.size() + more),
                                    unit ? without_doubled_percent(value) : value)});
  }
}

std::vector<std::string> json_settings(const Json& proxies) {
  std::vector<std::string> found;
  for (const Setting& setting : kJsonSettings) {
    if (const auto value = proxies.at(setting.name).text()) {
      found.push_back(assignment(setting.variable, *value));
    }
  }
  return found;
}

std::vector<std::string> read_json(std::string_view text) {
  const auto json = Json::parse(text);
  if (!json) return {};
  Json proxies = json->at("proxies");
  if (proxies.at("default").is_object()) proxies = proxies.at("default");
  return json_settings(proxies);
}

std::string_view name_of(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

}  // namespace

bool is_proxy_variable(std::string_view name) {
  return std::find(kVariables.begin(), kVariables.end(), to_lower(name)) != kVariables.end();
}

void add_settings(std::vector<std::string>& environment, std::vector<std::string> more) {
  for (std::string& setting : more) {
    const auto same = [&](const std::string& other) { return name_of(other) == name_of(setting); };
    const auto found = std::find_if(environment.begin(), environment.end(), same);
    if (found == environment.end()) {
      environment.push_back(std::move(setting));
    } else {
      *found = std::move(setting);
    }
  }
}

std::vector<std::string> proxy_settings(SettingForm form, std::string_view text) {
  if (form == SettingForm::docker_json) return read_json(text);
  std::vector<std::string> found;
  const std::string_view prefix = form == SettingForm::k3s ? kContainerdPrefix : "";
  for (const std::string_view line : split(text, '\n')) {
    if (is_comment(line)) continue;
    for (const std::string_view name : kVariables) read_variable(line, name, prefix, found);
  }
  return found;
}

std::vector<std::string> daemons_with_own_proxy(std::string_view text) {
  std::vector<std::string> daemons;
  const auto json = Json::parse(text);
  if (!json) return daemons;
  const Json proxies = json->at("proxies");
  const auto usual = json_settings(proxies.at("default"));
  for (const std::string& name : proxies.names()) {
    const Json own = proxies.at(name);
    if (own.is_object() && json_settings(own) != usual) daemons.push_back(name);
  }
  return daemons;
}

void hand_on_to_containerd(std::vector<std::string>& environment) {
  std::vector<std::string> handed_on;
  for (const std::string& variable : environment) {
    if (!variable.starts_with(kContainerdPrefix)) continue;
    handed_on.push_back(variable.substr(kContainerdPrefix.size()));
  }
  std::erase_if(environment, [](const std::string& variable) {
    return variable.starts_with(kContainerdPrefix);
  });
  add_settings(environment, std::move(handed_on));
}

}  // namespace culvert
