#include "setup/replace_file.h"

#include <unistd.h>

#include <string>
#include <utility>

#include "temporary_root.h"

using namespace culvert;

TEST_CASE("a file is replaced with mode and owner") {
  const TemporaryRoot root;
  root.write("/a", "old", 0640);
  const auto owner = owner_of(root.path() + "/a");
  REQUIRE(owner);
  CHECK(owner->mode == 0640);
  CHECK(owner->uid == ::geteuid());
  WaitingFile file;
  CHECK(file.write(root.path() + "/a", "new", *owner).empty());
  CHECK(root.read("/a") == "old");
  CHECK(file.move_in().empty());
  CHECK(root.read("/a") == "new");
  CHECK(root.mode("/a") == 0640);
  CHECK(root.everything().size() == 1);
  CHECK_FALSE(owner_of(root.path() + "/b"));
}

TEST_CASE("a file that never moves in is gone") {
  const TemporaryRoot root;
  {
    WaitingFile file;
    CHECK(file.write(root.path() + "/a", "new", {0600, ::geteuid(), ::getegid()}).empty());
    CHECK(root.everything().size() == 1);
    WaitingFile moved(std::move(file));
    CHECK(root.everything().size() == 1);
  }
  CHECK(root.everything().empty());
}

TEST_CASE("what cannot be written or removed is a problem") {
  const TemporaryRoot root;
  WaitingFile file;
  CHECK(file.write(root.path() + "/none/a", "new", {}) == "No such file or directory");
  CHECK(remove_file(root.path() + "/a") == "No such file or directory");
  root.write("/folder/file", "");
  WaitingFile onto_folder;
  CHECK(
      onto_folder.write(root.path() + "/folder", "new", {0600, ::geteuid(), ::getegid()}).empty());
  CHECK_FALSE(onto_folder.move_in().empty());
}

TEST_CASE("what a killed process left is removed, and nothing else") {
  const TemporaryRoot root;
  // No process has such a number: it is above the largest that Linux gives.
  root.write("/a.culvert-999999999", "left");
  root.write("/a.culvert-1", "of a process that runs");
  root.write("/a.culvert-x", "of somebody else");
  root.write("/b.culvert-999999999", "of another file");
  root.write("/target", "theirs");
  root.link("/a.culvert-999999998", root.path() + "/target");
  root.write("/a.culvert-" + std::to_string(::getpid()), "of one that had this number");
  remove_stale(root.path() + "/a");
  const auto left = root.everything();
  CHECK(left.size() == 5);
  CHECK_FALSE(left.contains("/a.culvert-999999999"));
  CHECK(root.read("/target") == "theirs");
  WaitingFile file;
  CHECK(file.write(root.path() + "/a", "new", {0600, ::geteuid(), ::getegid()}).empty());
}
