#include "commands/running_options.h"

#include <string_view>
#include <utility>
#include <vector>

#include "base/file_text.h"
#include "base/text.h"
#include "host/rooted_file.h"
#include "options/arguments.h"
#include "options/config_file.h"

namespace culvert {

Settings options_of_running(int pid, const std::string& root) {
  std::string path = root + "proc/";
  append_number(path, pid);
  const std::string line = file_text(path + "/cmdline");
  std::vector<std::string> words;
  for (const std::string_view word : split(line, '\0')) words.emplace_back(word);
  if (words.size() < 2) return {};
  words.pop_back();  // Each word ends in a NUL.
  words.erase(words.begin());
  Settings settings = read_arguments(words).source.settings;
  const std::vector<Given> files = settings.of("config");
  for (const Given& file : files) {
    if (!file.value.starts_with('/')) continue;
    const std::string text = find_file(root, file.value).content.value_or("");
    settings.add_missing(read_config_text(text, file.value).settings);
  }
  return settings;
}

}  // namespace culvert
