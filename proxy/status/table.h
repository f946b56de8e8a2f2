#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/json.h"
#include "status/cells.h"
#include "status/facts.h"

namespace culvert {

/// How an Overview is shown.
struct TableView {
  Canvas canvas;
  std::size_t height = 0;  ///< lines that fit; 0: any number
  std::string filter;      ///< that the tunnels were chosen by; may be empty
  std::string note;        ///< a line before all else; empty: none
};

/// Lines for a terminal, none wider than the canvas and not more of them than fit.  Whatever names
/// and sentences have in them, a terminal is told nothing by it.
std::vector<std::string> overview_lines(const Overview& overview, const TableView& view);

/// A failure as lines: what, why, and a hint if there is one.
std::vector<std::string> failure_lines(const ShownFailure& failure, const Canvas& canvas);

/// A step of /api/v1/trace.
std::vector<std::string> trace_lines(const Json& step, const Canvas& canvas);

}  // namespace culvert
