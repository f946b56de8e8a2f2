// --auth-file: whatever stands in it, no message repeats a hash, and each user that is taken can be
// found with a hash that crypt(3) knows.
#include "policy/password_file.h"

#include "fuzz/secret_fuzz.h"

using namespace culvert;

FUZZ_TARGET(password_file) {
  const std::string_view text = test::as_text(data, size);
  std::vector<std::string> problems;
  const PasswordFile file = PasswordFile::parse(text, problems);
  test::check_messages(problems);
  FUZZ_CHECK(file.size() > 0 || !problems.empty());
  if (file.size() == 0) return;
  const PasswordEntry& stand_in = file.stand_in(size);
  FUZZ_CHECK(file.find(stand_in.user) == &stand_in);
  if (problems.empty()) {
    FUZZ_CHECK(stand_in.cost > 0 && stand_in.hash.reveal().starts_with('$'));
    static_cast<void>(file.costs_differ());
  }
  // One line more, with what must not be repeated.
  if (to_lower(text).find(test::kPlanted) != std::string::npos) return;
  const std::string more =
      std::string(text) + "\nplanted-user-of-the-test:" + std::string(test::kPlanted);
  problems.clear();
  PasswordFile::parse(more, problems);
  test::check_secret(problems);
  FUZZ_CHECK(!problems.empty());
}
