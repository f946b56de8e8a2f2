#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"

namespace culvert {

/// A user of --auth-file.
struct PasswordEntry {
  std::string user;
  Secret hash;             ///< with its setting before it, as crypt(3) takes it
  std::uint64_t cost = 0;  ///< about how many microseconds it takes to check a password
  std::size_t line = 0;
};

/// The users that an htpasswd file names, with hashes that resist guessing: bcrypt, SHA-crypt and
/// yescrypt (crypt(5)).  Others are refused.
class PasswordFile {
 public:
  /// Each line "USER:HASH" is a user; empty lines and those that begin with '#' are passed over.
  /// What is wrong becomes a line of `problems`, "line 3: ..."; it repeats no hash.
  static PasswordFile parse(std::string_view text, std::vector<std::string>& problems);

  /// nullptr: there is no such user.
  const PasswordEntry* find(std::string_view user) const;
  /// Whose hash is checked for a user who does not exist; `number` is always the same for a name,
  /// and nobody else can tell it: so a name that takes as long as another one tells nothing.  There
  /// is one, unless parse() had problems.
  const PasswordEntry& stand_in(std::uint64_t number) const {
    return entries_[number % entries_.size()];
  }
  /// So much that the time of a check tells users apart.
  bool costs_differ() const;
  std::size_t size() const { return entries_.size(); }

 private:
  void add(PasswordEntry entry, std::vector<std::string>& problems);

  std::vector<PasswordEntry> entries_;  // by their names
};

}  // namespace culvert
