#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "admin/metrics_text.h"
#include "base/time_histogram.h"

namespace culvert {

/// Writes metrics as text.  All samples of a family follow its begin.
class MetricsWriter {
 public:
  explicit MetricsWriter(MetricsFormat format) : format_(format) {}

  enum class Type : std::uint8_t { counter, gauge, histogram, info };
  struct Label {
    std::string_view name;
    std::string_view value;  ///< any bytes
  };
  using Labels = std::initializer_list<Label>;

  /// `name` is without "_total" and "_info", which a sample of such a type ends in.  `unit` is what
  /// the name ends in, or empty.  `help` is a sentence without a backslash, quote or line break.
  void begin(std::string_view name, Type type, std::string_view unit, std::string_view help);
  void add(Labels labels, std::uint64_t value);
  void add(Labels labels, std::chrono::nanoseconds value);  ///< in seconds
  void add(Labels labels, const TimeHistogram& value);      ///< of a histogram
  /// The whole text.
  std::string finish();

 private:
  void add_name(std::string_view suffix, Labels labels, std::string_view le = {});
  void add_seconds(std::chrono::nanoseconds value);
  void add_label(std::string_view name, std::string_view value);

  MetricsFormat format_;
  std::string text_;
  std::string_view name_;
  Type type_ = Type::gauge;
};

/// As a number of seconds, "0.25".  `whole`: with a fraction even if that is 0.
std::string seconds_text(std::chrono::nanoseconds value, bool fraction = false);

}  // namespace culvert
