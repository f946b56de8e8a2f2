#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "setup/plan.h"

namespace culvert {

/// Where systemd puts what LoadCredential= names (systemd.exec(5)).
inline constexpr std::string_view kCredentials = "/run/credentials/culvert.service/";

/// The files that the options of the service name.  It runs as a user of its own, in /, without
/// home folders, /tmp and /var/tmp, and may write nowhere but in /var/log/culvert.
class ServiceFiles {
 public:
  explicit ServiceFiles(const SetupFacts& facts) : facts_(facts) {}

  /// The value of an option as the service can use it.  What it cannot read itself, systemd reads
  /// for it.
  std::string usable(std::string_view option, const std::string& value);
  /// The lines of the unit for it, with their ends.
  std::string unit_lines() const;

  const std::vector<std::string>& problems() const { return problems_; }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  std::string usable_listen(std::string_view option, const std::string& value);
  std::string usable_auth_file(const std::string& path);
  /// `given_as` stands before the path in messages.
  std::string usable_file(std::string_view given_as, const std::string& path);
  void look_at_log(const std::string& path);
  bool can_read(const std::string& path) const;
  /// The name by which systemd hands over the file.
  std::string credential(const std::string& path);

  const SetupFacts& facts_;
  std::vector<std::pair<std::string, std::string>> credentials_;  ///< names and paths
  bool logs_ = false;
  std::vector<std::string> problems_;
  std::vector<std::string> notes_;
};

/// `path` as the value of an option behind '?'.
std::string as_query_value(std::string_view path);

/// An option of the service with what `map` returns for each file that its value names: of a path,
/// and how the message about it begins ("--upstream ...ca=").
using MapFile = std::function<std::string(std::string_view given_as, const std::string& path)>;
std::string with_files(std::string_view option, const std::string& value, const MapFile& map);

/// In a folder that the service does not see, or sees as another.
bool is_hidden_from_service(std::string_view path);

}  // namespace culvert
