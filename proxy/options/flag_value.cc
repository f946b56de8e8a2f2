#include "options/flag_value.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "base/duration.h"
#include "base/text.h"

namespace culvert {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kOff = "off";

/// Moves what was parsed to `out`, or returns what is wrong.
template <typename T, typename Out>
std::string take(const Parsed<T>& parsed, Out& out) {
  if (const auto* problem = std::get_if<std::string>(&parsed)) return *problem;
  out = static_cast<Out>(std::get<T>(parsed));
  return {};
}

/// A file that is missing is created at the start; here only its folder is checked.
std::string output_file_problem(const std::string& path) {
  const bool is_quoted = path.size() > 1 && path.front() == path.back() &&
                         (path.front() == '"' || path.front() == '\'');
  if (is_quoted) return "stands in quotes, which are no part of it";
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return "is a directory";
    if (::access(path.c_str(), W_OK) == 0) return {};
    return fmt::format("cannot be written: {}", std::strerror(errno));
  }
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "."
                                : slash == 0               ? "/"
                                                           : path.substr(0, slash);
  if (::access(directory.c_str(), W_OK | X_OK) == 0) return {};
  return fmt::format("cannot be created: {}", std::strerror(errno));
}

struct Reader {
  const std::string& text;
  Config& config;

  std::string operator()(const OwnReader&) const { return {}; }

  std::string operator()(const SwitchValue& value) const {
    return take(parse_switch(text), config.*value.member);
  }

  std::string operator()(const DurationValue& value) const {
    return take(parse_duration(text, value.limits), config.*value.member);
  }

  std::string operator()(const OptionalDurationValue& value) const {
    std::string problem = take(parse_duration(text, value.limits), config.*value.member);
    if (iequals(trim(text), kOff)) (config.*value.member).reset();
    return problem;
  }

  std::string operator()(const StallLimitValue& value) const {
    StallLimit& limit = config.*value.member;
    const std::size_t colon = text.find(':');
    std::string problem = take(parse_duration(text.substr(0, colon), value.limits), limit.time);
    if (!problem.empty() || colon == std::string::npos) return problem;
    if (limit.time.count() == 0) return "off takes no rate";
    return take(parse_rate(std::string_view(text).substr(colon + 1)), limit.rate);
  }

  template <typename T>
  std::string operator()(const CountValue<T>& value) const {
    if (value.or_off && iequals(trim(text), kOff)) {
      config.*value.member = 0;
      return {};
    }
    std::string problem =
        take(parse_count(text, value.at_least, value.at_most), config.*value.member);
    if (problem.empty() || !value.or_off) return problem;
    return fmt::format("not between {} and {} (or off)", value.at_least, value.at_most);
  }

  std::string operator()(const RateValue& value) const {
    std::uint64_t rate = 0;
    if (!iequals(trim(text), kOff) &&
        (!take(parse_rate(text), rate).empty() || rate < RateValue::kLeast)) {
      return "not between 1k and 1024M bytes a second, as 64k or 20M (or off)";
    }
    config.*value.member = rate;
    return {};
  }

  template <typename T>
  std::string operator()(const ChoiceValue<T>& value) const {
    std::string names;
    for (const Choice<T>& choice : value.choices) {
      if (iequals(choice.name, text)) {
        config.*value.member = choice.value;
        return {};
      }
      names.append(names.empty() ? "" : ", ").append(choice.name);
    }
    return fmt::format("not one of {}", names);
  }

  std::string operator()(const HostPortValue& value) const {
    auto parsed = HostPort::parse(text);
    if (!parsed) return parsed.error().text;
    config.*value.member = *std::move(parsed);
    return {};
  }

  std::string operator()(const OutputFileValue& value) const {
    for (const std::string_view word : kNoLogFiles) {
      if (!iequals(text, word)) continue;
      config.*value.member = word;
      return {};
    }
    config.*value.member = text;
    return output_file_problem(text);
  }

  std::string operator()(const SecretValue& value) const {
    config.*value.member = Secret(text);
    return {};
  }
};

struct Shower {
  const Config& config;

  std::string operator()(const OwnReader&) const { return {}; }
  std::string operator()(const SwitchValue& value) const {
    return config.*value.member ? "true" : "false";
  }
  std::string operator()(const DurationValue& value) const {
    const milliseconds duration = config.*value.member;
    if (duration.count() == 0 && value.limits.zero_allowed) return std::string(kOff);
    return format_duration(duration);
  }
  std::string operator()(const OptionalDurationValue& value) const {
    const auto& duration = config.*value.member;
    return duration ? format_duration(*duration) : std::string(kOff);
  }
  std::string operator()(const StallLimitValue& value) const {
    const StallLimit& limit = config.*value.member;
    if (limit.time.count() == 0) return std::string(kOff);
    const std::string rate = limit.rate == 0 ? std::string() : fmt::format(":{}", limit.rate);
    return format_duration(limit.time) + rate;
  }
  template <typename T>
  std::string operator()(const CountValue<T>& value) const {
    const T count = config.*value.member;
    return count == 0 && value.or_off ? std::string(kOff) : std::to_string(count);
  }
  std::string operator()(const RateValue& value) const {
    const std::uint64_t rate = config.*value.member;
    if (rate == 0) return std::string(kOff);
    if (rate % (1 << 20) == 0) return fmt::format("{}M", rate >> 20);
    if (rate % (1 << 10) == 0) return fmt::format("{}k", rate >> 10);
    return std::to_string(rate);
  }
  template <typename T>
  std::string operator()(const ChoiceValue<T>& value) const {
    for (const Choice<T>& choice : value.choices) {
      if (choice.value == config.*value.member) return std::string(choice.name);
    }
    return {};
  }
  std::string operator()(const HostPortValue& value) const {
    const auto& target = config.*value.member;
    return target ? target->to_string() : std::string();
  }
  std::string operator()(const OutputFileValue& value) const { return config.*value.member; }
  std::string operator()(const SecretValue&) const { return {}; }
};

ShownLimits show(const DurationLimits& limits) {
  return {format_duration(limits.at_least), format_duration(limits.at_most)};
}

}  // namespace

std::string read_flag_value(const FlagValue& value, const std::string& text, Config& config) {
  return std::visit(Reader{text, config}, value);
}

std::string show_flag_value(const FlagValue& value, const Config& config) {
  return std::visit(Shower{config}, value);
}

std::optional<ShownLimits> show_limits(const FlagValue& value) {
  return std::visit(
      [](const auto& kind) -> std::optional<ShownLimits> {
        if constexpr (requires { kind.limits; }) return show(kind.limits);
        if constexpr (requires { kind.at_most; }) {
          return ShownLimits{std::to_string(kind.at_least), std::to_string(kind.at_most)};
        }
        return std::nullopt;
      },
      value);
}

std::vector<std::string_view> keywords(const FlagValue& value) {
  std::vector<std::string_view> out;
  std::visit(
      [&](const auto& kind) {
        if constexpr (requires { kind.choices; }) {
          for (const auto& choice : kind.choices) out.push_back(choice.name);
        }
        if constexpr (requires { kind.limits; }) {
          if (kind.limits.zero_allowed) out.push_back(kOff);
        }
        if constexpr (requires { kind.or_off; }) {
          if (kind.or_off) out.push_back(kOff);
        }
        if constexpr (std::is_same_v<decltype(kind), const RateValue&>) out.push_back(kOff);
        if constexpr (std::is_same_v<decltype(kind), const OutputFileValue&>) {
          out.insert(out.end(), kNoLogFiles.begin(), kNoLogFiles.end());
        }
      },
      value);
  return out;
}

}  // namespace culvert
