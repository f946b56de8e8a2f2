#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace culvert {

/// The line of `text` that begins at `at`, its end included.
std::string_view line_at(std::string_view text, std::size_t at);

/// By which the lines of a block are known again, in their order.
std::vector<std::uint16_t> line_sums(std::string_view text);

/// The lines of `block`, an ini file's, that are none of those with `sums`: what another program
/// has put between ours.  A [section] of ours stays if such a line follows in it.
std::string added_lines(std::string_view block, const std::vector<std::uint16_t>& sums);

/// How many bytes at the begin of `text` are lines with `sums`, in their order.
std::size_t length_of_own_lines(std::string_view text, const std::vector<std::uint16_t>& sums);

}  // namespace culvert
