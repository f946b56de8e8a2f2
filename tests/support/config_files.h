// Settings files of a program, as a test has their texts.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "setup/configured_proxy.h"

namespace culvert::test {

/// What `read` makes of files with these texts, which it is given in their order.
inline ConfiguredProxy configured_by(void (*read)(std::span<const ConfigFile>, ConfiguredProxy&),
                                     SettingForm form, const std::vector<std::string>& texts) {
  std::vector<ConfigFile> files;
  for (const std::string& text : texts) {
    files.push_back({"/" + std::to_string(files.size()), form, text});
  }
  ConfiguredProxy configured;
  read(files, configured);
  return configured;
}

}  // namespace culvert::test
