#include "options/environment.h"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "options/flags.h"

namespace culvert {
namespace {

constexpr std::string_view kPrefix = "CULVERT_";

/// "CONNECT_TIMEOUT" as "connect-timeout"
std::string flag_of_variable(std::string_view variable) {
  std::string name = to_lower(variable);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

}  // namespace

std::string variable_name(std::string_view flag) {
  std::string name(kPrefix);
  for (const char c : flag) {
    const bool is_letter = c >= 'a' && c <= 'z';
    name += c == '-' ? '_' : is_letter ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

Environment process_environment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (!text.starts_with(kPrefix) || equals == std::string_view::npos) continue;
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

Source read_environment(const Environment& environment) {
  Source source;
  for (const auto& [variable, value] : environment) {
    if (!variable.starts_with(kPrefix) || trim_space(value).empty()) continue;
    const std::string name = flag_of_variable(std::string_view(variable).substr(kPrefix.size()));
    if (const Flag* flag = find_flag(name)) {
      source.settings.add_given(*flag, value, variable, kAnySpace);
      continue;
    }
    // Other programs may set such a variable, as Kubernetes does beside a Service named culvert
    // (CULVERT_SERVICE_HOST), so only a near misspelling is a warning.  One of --version is not: it
    // has no variable, and images set CULVERT_VERSION for purposes of their own.
    if (const std::string_view nearest = nearest_flag(name); find_flag(nearest) != nullptr) {
      source.warnings.push_back(fmt::format("{}: no such variable (did you mean {}?)",
                                            printable(variable, 60), variable_name(nearest)));
    }
  }
  return source;
}

}  // namespace culvert
