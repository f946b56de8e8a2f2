#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "setup/plan.h"

namespace culvert {

/// A service of systemd: "docker", of the system or of a user's own systemd.
struct UnitName {
  std::string_view name;
  bool of_user = false;
};

/// Edits whose files are to be taken for what they will be once they are installed.
using FilesToBe = std::span<const FileEdit>;

/// `Environment=A=1` in a section [Service], and the file that says so.
struct UnitSetting {
  std::string key;
  std::string value;  ///< as it is written, without white space around it
  std::string path;
};

/// What the file of a unit and its drop-ins say.
struct UnitSettings {
  bool found = false;                 ///< the unit itself is there, not drop-ins alone
  std::vector<UnitSetting> settings;  ///< in the order in which systemd reads them
  std::string unreadable;             ///< a file, and why; empty: all could be read
};

/// As systemd.unit(5) has it: of files of one name that in /etc counts, then /run, then /usr/lib;
/// drop-ins by their names, wherever they are, also those for all services.
UnitSettings read_unit(const SetupFacts& facts, const UnitName& unit, FilesToBe to_be = {});

/// The words of a value, without their quotes and escapes (systemd.syntax(7)), up to the first that
/// is no word.
std::vector<std::string> unit_words(std::string_view value);

/// Where the drop-ins are that setup writes.
std::string drop_in_folder(const SetupFacts& facts, const UnitName& unit);

}  // namespace culvert
