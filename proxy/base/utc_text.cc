#include "base/utc_text.h"

#include "base/text.h"

namespace culvert {
namespace {

std::string two_digits(int number) {
  std::string text = number < 10 ? "0" : "";
  append_number(text, number);
  return text;
}

}  // namespace

std::string utc_text(std::time_t time) {
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::string text;
  append_number(text, parts.tm_year + 1900);
  text += "-" + two_digits(parts.tm_mon + 1) + "-" + two_digits(parts.tm_mday) + " " +
          two_digits(parts.tm_hour) + ":" + two_digits(parts.tm_min) + " UTC";
  return text;
}

}  // namespace culvert
