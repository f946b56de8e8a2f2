#include "options/flag_split.h"

#include <algorithm>
#include <cstddef>

#include <CLI/Split.hpp>

#include "base/text.h"

namespace culvert {

bool is_flag(std::string_view text) { return text.size() > 1 && text.front() == '-'; }

bool is_value(std::string_view text) {
  return !is_flag(text) || is_digit(text[1]) || text[1] == '.';
}

FlagSplit split_flags(const std::vector<std::string>& words, const std::vector<ReadFlag>& flags) {
  FlagSplit out;
  out.values.resize(flags.size());
  std::string name;
  std::string value;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool is_long = CLI::detail::split_long(words[i], name, value);
    const auto flag = std::find_if(flags.begin(), flags.end(), [&](const ReadFlag& known) {
      return is_long && known.name == name;
    });
    if (flag == flags.end()) {
      out.rest.push_back(words[i]);
      continue;
    }
    const bool has_value = words[i].find('=') != std::string::npos;
    if (!has_value && !flag->placeholder.empty() && i + 1 < words.size() &&
        is_value(words[i + 1])) {
      value = words[++i];
    }
    out.values[static_cast<std::size_t>(flag - flags.begin())].push_back(value);
  }
  return out;
}

}  // namespace culvert
