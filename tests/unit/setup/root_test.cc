#include "setup/root.h"

#include "temporary_root.h"

using namespace culvert;

TEST_CASE("programs are looked for where packages put them") {
  const TemporaryRoot root;
  root.write("/usr/sbin/dockerd", "", 0755);
  root.write("/usr/bin/fish", "", 0755);
  root.write("/usr/local/bin/fish", "", 0755);
  CHECK(find_program(root.path(), "dockerd") == "/usr/sbin/dockerd");
  CHECK(find_program(root.path(), "fish") == "/usr/local/bin/fish");
  CHECK(find_program(root.path(), "zsh").empty());
}

TEST_CASE("the names in a folder are sorted") {
  const TemporaryRoot root;
  root.write("/d/b", "");
  root.write("/d/a", "");
  CHECK(names_in(root.path(), "/d") == std::vector<std::string>{".", "..", "a", "b"});
  CHECK(names_in(root.path(), "/none").empty());
}

TEST_CASE("what a circle of links leads to does not exist") {
  const TemporaryRoot root;
  root.link("/a", "b");
  root.link("/b", "a");
  CHECK_FALSE(exists(root.path(), "/a"));
}
