#pragma once

#include <string>
#include <vector>

#include "options/listen_address.h"
#include "support/catch.h"

namespace culvert {

/// `values` of --listen, which are well-formed.
inline std::vector<GivenListener> given_listeners(const std::vector<std::string>& values) {
  std::vector<GivenListener> listeners;
  for (const std::string& value : values) {
    std::vector<std::string> problems;
    auto given = parse_given_listener(value, problems);
    INFO(value);
    REQUIRE(given.has_value());
    listeners.push_back(*std::move(given));
  }
  return listeners;
}

}  // namespace culvert
