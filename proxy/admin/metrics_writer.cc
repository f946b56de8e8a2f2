#include "admin/metrics_writer.h"

#include <utility>

#include "base/text.h"
#include "base/utf8.h"

namespace culvert {
namespace {

std::string_view name_of(MetricsWriter::Type type, MetricsFormat format) {
  switch (type) {
    case MetricsWriter::Type::counter:
      return "counter";
    case MetricsWriter::Type::gauge:
      return "gauge";
    case MetricsWriter::Type::histogram:
      return "histogram";
    case MetricsWriter::Type::info:
      return format == MetricsFormat::openmetrics ? "info" : "gauge";
  }
  return {};
}

std::string_view suffix_of(MetricsWriter::Type type) {
  switch (type) {
    case MetricsWriter::Type::counter:
      return "_total";
    case MetricsWriter::Type::info:
      return "_info";
    case MetricsWriter::Type::gauge:
    case MetricsWriter::Type::histogram:
      break;
  }
  return {};
}

}  // namespace

std::string seconds_text(std::chrono::nanoseconds value, bool fraction) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  std::string text;
  append_number(text, value.count() / kSecond);
  std::int64_t rest = value.count() % kSecond;
  if (rest == 0) return fraction ? text + ".0" : text;
  text += '.';
  for (std::int64_t digit = kSecond / 10; rest > 0; digit /= 10) {
    text += static_cast<char>('0' + rest / digit);
    rest %= digit;
  }
  return text;
}

void MetricsWriter::begin(std::string_view name, Type type, std::string_view unit,
                          std::string_view help) {
  name_ = name;
  type_ = type;
  // The family's name is that of its samples in the one format, and what they have in common in the
  // other.
  const bool open = format_ == MetricsFormat::openmetrics;
  const std::string_view suffix = open ? std::string_view() : suffix_of(type);
  text_ += concat({"# HELP ", name, suffix, " ", help, "\n"});
  text_ += concat({"# TYPE ", name, suffix, " ", name_of(type, format_), "\n"});
  if (open && !unit.empty()) text_ += concat({"# UNIT ", name, " ", unit, "\n"});
}

void MetricsWriter::add_label(std::string_view name, std::string_view value) {
  text_ += text_.ends_with('{') ? "" : ",";
  text_ += concat({name, "=\""});
  while (!value.empty()) {
    const std::size_t length = utf8_length(value);
    const char c = value.front();
    if (length == 0) {
      append_utf8(text_, 0xfffd);
    } else if (c == '\n') {
      text_ += "\\n";
    } else {
      if (c == '\\' || c == '"') text_ += '\\';
      text_ += value.substr(0, length);
    }
    value.remove_prefix(length == 0 ? 1 : length);
  }
  text_ += '"';
}

void MetricsWriter::add_name(std::string_view suffix, Labels labels, std::string_view le) {
  text_.append(name_).append(suffix);
  if (labels.size() > 0 || !le.empty()) {
    text_ += '{';
    for (const Label& label : labels) add_label(label.name, label.value);
    if (!le.empty()) add_label("le", le);
    text_ += '}';
  }
  text_ += ' ';
}

void MetricsWriter::add(Labels labels, std::uint64_t value) {
  add_name(suffix_of(type_), labels);
  append_number(text_, value);
  text_ += '\n';
}

void MetricsWriter::add(Labels labels, std::chrono::nanoseconds value) {
  add_name(suffix_of(type_), labels);
  text_ += seconds_text(value);
  text_ += '\n';
}

void MetricsWriter::add(Labels labels, const TimeHistogram& value) {
  const bool fraction = format_ == MetricsFormat::openmetrics;
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < TimeHistogram::kBuckets; ++i) {
    count += value.count(i);
    const bool last = i == TimeHistogram::kBounds.size();
    add_name("_bucket", labels,
             last ? "+Inf"
                  : seconds_text(std::chrono::milliseconds(TimeHistogram::kBounds[i]), fraction));
    append_number(text_, count);
    text_ += '\n';
  }
  add_name("_sum", labels);
  text_ += seconds_text(value.sum());
  text_ += '\n';
  add_name("_count", labels);
  append_number(text_, count);
  text_ += '\n';
}

std::string MetricsWriter::finish() {
  if (format_ == MetricsFormat::openmetrics) text_ += "# EOF\n";
  return std::move(text_);
}

}  // namespace culvert
