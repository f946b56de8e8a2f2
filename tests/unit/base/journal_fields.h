// An entry of the journal's native protocol, as its reader takes it apart.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/catch.h"

namespace culvert::test {

/// In their order.  Each has to be a line, NAME=value: a line without '=' would begin a binary one.
inline std::vector<std::pair<std::string, std::string>> fields_of(std::string_view entry) {
  std::vector<std::pair<std::string, std::string>> fields;
  while (!entry.empty()) {
    const std::size_t end = entry.find('\n');
    REQUIRE(end != entry.npos);
    const std::string_view line = entry.substr(0, end);
    const std::size_t equals = line.find('=');
    REQUIRE(equals != line.npos);
    fields.emplace_back(line.substr(0, equals), line.substr(equals + 1));
    entry.remove_prefix(end + 1);
  }
  return fields;
}

/// Of the only field of that name.
inline std::string value_of(std::string_view entry, std::string_view name) {
  std::vector<std::string> found;
  for (const auto& [field, value] : fields_of(entry)) {
    if (field == name) found.push_back(value);
  }
  REQUIRE(found.size() == 1);
  return found[0];
}

}  // namespace culvert::test
