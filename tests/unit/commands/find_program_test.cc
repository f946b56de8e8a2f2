#include "commands/find_program.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "support/catch.h"

using namespace culvert;

namespace {

/// PATH while it exists.
struct Path {
  explicit Path(const std::string& value) {
    if (const char* own = std::getenv("PATH")) before = own;
    setenv("PATH", value.c_str(), 1);
  }
  ~Path() { setenv("PATH", before.c_str(), 1); }
  Path(const Path&) = delete;
  Path& operator=(const Path&) = delete;

  std::string before;
};

/// A folder with a file `tool` of that mode.
struct Folder {
  explicit Folder(mode_t mode) {
    REQUIRE(mkdtemp(path.data()) != nullptr);
    FILE* const file = fopen((path + "/tool").c_str(), "w");
    REQUIRE(file != nullptr);
    fclose(file);
    REQUIRE(chmod((path + "/tool").c_str(), mode) == 0);
  }
  ~Folder() {
    unlink((path + "/tool").c_str());
    rmdir(path.c_str());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path = "/tmp/culvert-find-XXXXXX";
};

}  // namespace

TEST_CASE("a program is searched as a shell does") {
  const Folder good(0755);
  const Folder plain(0644);
  SECTION("by its path") {
    CHECK(error_of_program(good.path + "/tool") == 0);
    CHECK(error_of_program(plain.path + "/tool") == EACCES);
    CHECK(error_of_program(good.path) == EACCES);
    CHECK(error_of_program(good.path + "/other") == ENOENT);
    CHECK(error_of_program(good.path + "/tool/other") == ENOENT);
  }
  SECTION("in PATH") {
    const Path path("/nowhere:" + plain.path + ":" + good.path);
    CHECK(error_of_program("tool") == 0);
    CHECK(error_of_program("other") == ENOENT);
    CHECK(error_of_program("") == ENOENT);
  }
  SECTION("in PATH, where it is not executable") {
    const Path path(plain.path + ":/nowhere");
    CHECK(error_of_program("tool") == EACCES);
  }
}
