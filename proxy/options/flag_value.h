#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/host_port.h"
#include "base/log.h"
#include "base/secret.h"
#include "config/config.h"
#include "options/values.h"

namespace culvert {

/// true or false; the flag alone is true.
struct SwitchValue {
  bool Config::*member;
};

/// "off" is 0 where the limits allow it.
struct DurationValue {
  std::chrono::milliseconds Config::*member;
  DurationLimits limits;
};

/// "off" is no value, and 0 is one like any other.
struct OptionalDurationValue {
  std::optional<std::chrono::milliseconds> Config::*member;
  DurationLimits limits;
};

/// "30s", or "30s:64k" with a rate; "off" is no time.
struct StallLimitValue {
  StallLimit Config::*member;
  DurationLimits limits;
};

template <std::unsigned_integral T>
struct CountValue {
  T Config::*member;
  T at_least;
  T at_most;
  bool or_off = false;  ///< "off" is 0
};

/// Bytes a second, or "off" for 0.
struct RateValue {
  static constexpr std::uint64_t kLeast = 1024;
  std::uint64_t Config::*member;
};

template <typename T>
struct Choice {
  std::string_view name;
  T value;
};
/// One of a few names, in any case.
template <typename T>
struct ChoiceValue {
  T Config::*member;
  std::span<const Choice<T>> choices;
};

struct HostPortValue {
  std::optional<HostPort> Config::*member;
};

/// A file that is appended to, "-" or "off".
struct OutputFileValue {
  std::string Config::*member;
};

struct SecretValue {
  Secret Config::*member;
};

/// Read by code for this flag alone (build_config.cc, routing.cc).
struct OwnReader {
  /// What is in effect where none was given; nullptr: nothing.
  std::vector<std::string> (*when_missing)(const Config&) = nullptr;
};

/// How the value of a flag is read, and into which member of Config.
using FlagValue =
    std::variant<OwnReader, SwitchValue, DurationValue, OptionalDurationValue, StallLimitValue,
                 CountValue<unsigned>, CountValue<std::size_t>, ChoiceValue<Log::Level>,
                 ChoiceValue<Log::Format>, ChoiceValue<LostTunnel>, ChoiceValue<Balance>,
                 HostPortValue, OutputFileValue, SecretValue, RateValue>;

/// Reads `text` into the member.  Returns what is wrong, without repeating `text`; empty if nothing
/// is.  A file is only checked, not opened.  Does nothing for an OwnReader.
std::string read_flag_value(const FlagValue& value, const std::string& text, Config& config);

/// The member as the flag would take it: "12s", "4096", "info".  Empty for secrets, for what is not
/// set, and for an OwnReader.
std::string show_flag_value(const FlagValue& value, const Config& config);

/// The least and the most that it takes, as "100ms" and "1h".
struct ShownLimits {
  std::string least;
  std::string most;
};
/// nullopt for what is neither a duration nor a count.
std::optional<ShownLimits> show_limits(const FlagValue& value);

/// The keywords that it takes: the names of a choice, "off".  Other values may be valid, too.
std::vector<std::string_view> keywords(const FlagValue& value);

}  // namespace culvert
