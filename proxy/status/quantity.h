#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace culvert {

/// Bytes in units of 1000, as docker shows them, in at most 6 columns: "999 B", "1.2 kB", "312 MB".
std::string size_text(std::int64_t bytes);

/// A time in its two largest units, in at most 6 columns: "5s", "1m05s", "3h12m", "2d04h".
std::string age_text(std::int64_t seconds);

/// The last `columns` of `values` as bars below the highest of them; with ASCII unless `utf8`.
std::string sparkline(std::span<const std::int64_t> values, std::size_t columns, bool utf8);

}  // namespace culvert
