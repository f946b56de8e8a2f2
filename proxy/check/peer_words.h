#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace culvert {

/// What a peer said, for a place in a sentence: printable(), each white space of any kind one
/// blank, and none around it.
std::string peer_words(std::string_view text, std::size_t limit);

}  // namespace culvert
