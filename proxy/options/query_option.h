#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace culvert {

/// One "NAME=VALUE" of those behind the '?' of a listener's or an upstream's address, '&' between
/// them.  It refers to the query.
struct QueryOption {
  std::string name;          ///< in lower case
  bool has_equals = false;   ///< there is a '='
  std::string_view written;  ///< the value as it stands there, without the white space around it

  /// The value, percent-decoded, or as decode_file() if it `is_file`; never empty.  nullopt if it
  /// is no such value: then `problems` has a clause more that says why.
  std::optional<std::string> value(bool is_file, std::vector<std::string>& problems) const;
};

std::vector<QueryOption> query_options(std::string_view query);

}  // namespace culvert
