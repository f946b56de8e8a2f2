#include "base/utc_text.h"

#include "base/text.h"

namespace culvert {
namespace {

std::string two_digits(int number) {
  std::string text = number < 10 ? "0" : "";
  append_number(text, number);
  return text;
}

/// "2026-11-28"
std::string date_text(const std::tm& parts) {
  std::string text;
  append_number(text, parts.tm_year + 1900);
  return text + "-" + two_digits(parts.tm_mon + 1) + "-" + two_digits(parts.tm_mday);
}

}  // namespace

std::string utc_text(std::time_t time) {
  std::tm parts{};
  gmtime_r(&time, &parts);
  return date_text(parts) + " " + two_digits(parts.tm_hour) + ":" + two_digits(parts.tm_min) +
         " UTC";
}

std::string rfc3339_text(std::chrono::system_clock::time_point time) {
  using std::chrono::milliseconds;
  const auto since = std::chrono::floor<milliseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const std::time_t second = seconds.count();
  std::tm parts{};
  gmtime_r(&second, &parts);
  const auto ms = static_cast<int>((since - milliseconds(seconds)).count());
  std::string text = date_text(parts) + "T" + two_digits(parts.tm_hour) + ":" +
                     two_digits(parts.tm_min) + ":" + two_digits(parts.tm_sec) + ".";
  text += ms < 100 ? "0" : "";
  return text + two_digits(ms) + "Z";
}

}  // namespace culvert
