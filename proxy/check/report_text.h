#pragma once

#include <span>
#include <string>

#include "check/report.h"

namespace culvert {

/// How the text of a report may look.
struct TextStyle {
  bool utf8 = false;    ///< marks may be ✓ and ✗
  bool colour = false;  ///< by the escape sequences of terminals
};

/// The locale's variables and TERM, as getenv() has them; nullptr: not set.
struct TextVariables {
  const char* lc_all = nullptr;
  const char* lc_ctype = nullptr;
  const char* lang = nullptr;
  const char* term = nullptr;
  const char* no_color = nullptr;
};

TextStyle style_for(const TextVariables& variables, bool is_terminal);

/// The line above a target's steps; empty for what needs no target.
std::string report_head(const std::string& target);

/// One line; of a failure two more, for its cause and its fix.
std::string report_lines(const CheckStep& step, const TextStyle& style);

/// {"ok":bool,"targets":[...]} in one line.
std::string report_json(std::span<const TargetReport> reports);

}  // namespace culvert
