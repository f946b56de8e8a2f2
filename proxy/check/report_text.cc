#include "check/report_text.h"

#include <algorithm>
#include <string_view>

#include "base/json.h"
#include "base/one_line.h"
#include "base/text.h"

namespace culvert {
namespace {

using std::chrono::microseconds;

constexpr std::string_view kGreen = "\x1b[32m";
constexpr std::string_view kRed = "\x1b[31m";
constexpr std::string_view kPlain = "\x1b[0m";
constexpr std::size_t kNameWidth = 12;

/// Whether it has a value; an empty one is none.
bool is_given(const char* value) { return value != nullptr && *value != '\0'; }

bool names_utf8(std::string_view locale) {
  const std::string lower = to_lower(locale);
  return lower.find("utf-8") != std::string::npos || lower.find("utf8") != std::string::npos;
}

std::string_view mark(bool ok, bool utf8) {
  if (utf8) return ok ? "\u2713" : "\u2717";
  return ok ? "ok  " : "FAIL";
}

/// Tenths of milliseconds below ten.
std::string shown_time(microseconds time) {
  if (time >= microseconds(9'950)) {
    return std::to_string(std::chrono::round<std::chrono::milliseconds>(time).count()) + " ms";
  }
  const auto tenths = (time.count() + 50) / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " ms";
}

Json step_json(const CheckStep& step) {
  Json json = Json::object();
  json.set("step", step.name).set("subject", one_line(step.subject, true)).set("ok", step.ok);
  json.set("ms", static_cast<double>(step.time.count()) / 1'000.0);
  json.set("detail", one_line(step.detail, true));
  if (!step.cause.empty()) json.set("cause", one_line(step.cause, true));
  if (!step.fix.empty()) json.set("fix", one_line(step.fix, true));
  return json;
}

}  // namespace

TextStyle style_for(const TextVariables& variables, bool is_terminal) {
  const char* locale = is_given(variables.lc_all)     ? variables.lc_all
                       : is_given(variables.lc_ctype) ? variables.lc_ctype
                                                      : variables.lang;
  const std::string_view term = is_given(variables.term) ? variables.term : "dumb";
  return {.utf8 = is_given(locale) && names_utf8(locale),
          .colour = is_terminal && !is_given(variables.no_color) && term != "dumb"};
}

std::string report_head(const std::string& target) {
  return target.empty() ? "" : one_line(target, true) + "\n";
}

std::string report_lines(const CheckStep& step, const TextStyle& style) {
  std::string text = "  ";
  if (style.colour) text += step.ok ? kGreen : kRed;
  text += mark(step.ok, style.utf8);
  if (style.colour) text += kPlain;
  text += " " + step.name;
  text.append(kNameWidth - std::min(kNameWidth - 1, step.name.size()), ' ');
  text += one_line(step.subject, style.utf8);
  if (!step.detail.empty()) text += ": " + one_line(step.detail, style.utf8);
  text += " (" + shown_time(step.time) + ")\n";
  if (step.ok) return text;
  text += "      cause: " + one_line(step.cause, style.utf8) + "\n";
  return text + "      fix:   " + one_line(step.fix, style.utf8) + "\n";
}

std::string report_json(std::span<const TargetReport> reports) {
  Json targets = Json::array();
  bool ok = true;
  for (const TargetReport& report : reports) {
    Json steps = Json::array();
    for (const CheckStep& step : report.steps) steps.append(step_json(step));
    ok = ok && report.ok();
    Json target = Json::object();
    target.set("target", one_line(report.target, true)).set("ok", report.ok());
    targets.append(target.set("steps", steps));
  }
  Json all = Json::object();
  all.set("ok", ok).set("targets", targets);
  return all.dump() + "\n";
}

}  // namespace culvert
