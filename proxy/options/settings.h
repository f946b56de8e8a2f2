#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"

namespace culvert {

/// One value as it was given.
struct Given {
  std::string value;
  std::string origin;  ///< how a problem names it: "--listen", "CULVERT_LISTEN", "FILE:3: listen"
};

/// Between the values of a repeatable flag in an argument or a file; in a variable, kAnySpace.
inline constexpr std::string_view kLineBreak = "\n";

/// The values of each flag that was given, by its name without dashes, in their order.
class Settings {
 public:
  /// White space around a value never counts.
  void add(std::string_view flag, Given given) {
    given.value = trim_space(given.value);
    values_[std::string(flag)].push_back(std::move(given));
  }
  /// add_each() for a `flag` that is repeatable, else add(); it is a Flag or a ReadFlag.
  template <typename F>
  void add_given(const F& flag, const std::string& text, const std::string& origin,
                 std::string_view breaks) {
    if (flag.repeatable) {
      add_each(flag.name, text, origin, breaks);
    } else {
      add(flag.name, {text, origin});
    }
  }
  /// Adds each value in `text`, those of a repeatable flag.  White space that holds one of `breaks`
  /// stands between two, but not beside a ',' or '=', where a value goes on.
  void add_each(std::string_view flag, std::string_view text, const std::string& origin,
                std::string_view breaks);
  /// As if it had not been given.
  void drop(std::string_view flag) {
    const auto found = values_.find(flag);
    if (found != values_.end()) values_.erase(found);
  }
  bool empty() const { return values_.empty(); }
  /// Those that are here, by their names.
  std::vector<std::string_view> flags() const {
    std::vector<std::string_view> names;
    for (const auto& each : values_) names.push_back(each.first);
    return names;
  }
  bool has(std::string_view flag) const { return values_.find(flag) != values_.end(); }
  /// Adds the flags of `other` that are not here yet: the first source of a flag wins.
  void add_missing(const Settings& other) {
    values_.insert(other.values_.begin(), other.values_.end());
  }
  const std::vector<Given>& of(std::string_view flag) const {
    static const std::vector<Given> kNone;
    const auto found = values_.find(flag);
    return found == values_.end() ? kNone : found->second;
  }

 private:
  std::map<std::string, std::vector<Given>, std::less<>> values_;
};

/// The values from one source (arguments, environment, file), and its mistakes.
struct Source {
  Settings settings;
  std::vector<std::string> problems;
  std::vector<std::string> warnings;
};

}  // namespace culvert
