#pragma once

#include <string>
#include <vector>

#include "setup/proxy_settings.h"

namespace culvert {

/// A file in which a program finds its proxy.
struct ConfigFile {
  std::string path;  ///< as seen from within the root
  SettingForm form = SettingForm::variables;
  std::string text;
};

/// What a program's files say.
struct ConfiguredProxy {
  std::vector<std::string> environment;  ///< as variables
  std::string path;                      ///< of the file that counts; empty: no file says anything
  SettingForm form = SettingForm::variables;
  std::string unreadable;  ///< a file, and why it cannot be read; empty: all could be
  std::string mistake;     ///< why it is not right, whatever `environment` is; empty: it may be
  std::vector<std::string> notes;  ///< exceptions that the files make; a sentence each

  /// What `file` says, which counts more than what others said before.
  void put(const ConfigFile& file, std::vector<std::string> settings);
};

}  // namespace culvert
