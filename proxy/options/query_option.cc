#include "options/query_option.h"

#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "options/credential_file.h"

namespace culvert {

std::optional<std::string> QueryOption::value(bool is_file,
                                              std::vector<std::string>& problems) const {
  auto value = is_file ? decode_file(written) : percent_decode(written);
  if (!value) {
    problems.push_back(fmt::format("{}: a '%' in a value is written %25", name));
  } else if (value->find('\0') != std::string::npos) {
    problems.push_back(fmt::format("{}: a value holds no NUL byte (%00)", name));
  } else if (value->empty()) {
    problems.push_back(fmt::format("option '{0}' needs a value, as in {0}=...", name));
  } else {
    return value;
  }
  return std::nullopt;
}

std::vector<QueryOption> query_options(std::string_view query) {
  std::vector<QueryOption> out;
  for (const std::string_view part : split(query, '&')) {
    const std::size_t equals = part.find('=');
    QueryOption option{
        to_lower(trim_space(part.substr(0, equals))), equals != std::string_view::npos, {}};
    if (option.has_equals) option.written = trim_space(part.substr(equals + 1));
    out.push_back(std::move(option));
  }
  return out;
}

}  // namespace culvert
