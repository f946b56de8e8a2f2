#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/admin_place.h"
#include "status/admin_client.h"

namespace culvert {

/// A running culvert that can be asked.
struct FoundCulvert {
  AdminPlace place;
  int pid = 0;  ///< 0: not known
  /// "the culvert of process 4242"
  std::string shown() const;
};

/// Which of the culverts that run here is meant.
class CulvertFinder {
 public:
  CulvertFinder(AdminClient& client, std::vector<std::string> directories, std::optional<int> pid)
      : client_(client), directories_(std::move(directories)), pid_(pid) {}

  /// Of several the one of our own network, if that is one, then the only one that does not drain.
  /// nullopt: none, or several, and then the error is lines for the user.
  std::optional<FoundCulvert> find();
  /// The same, but of several the newest one.
  std::optional<FoundCulvert> find_again();
  /// Why find() found none.
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  struct Known;
  std::vector<Known> candidates();
  void explain_none(const std::vector<std::string>& foreign);

  AdminClient& client_;
  std::vector<std::string> directories_;
  std::optional<int> pid_;
  std::vector<std::string> problems_;
};

}  // namespace culvert
