#include "setup/as_user.h"

#include <sys/stat.h>
#include <unistd.h>

#include "temporary_root.h"

using namespace culvert;

TEST_CASE("root has a user's rights to files for a time") {
  if (::geteuid() != 0) return;
  const TemporaryRoot root;
  root.write("/open/secret", "x", 0600);
  root.write("/closed/file", "x", 0644);
  REQUIRE(::chmod(root.path().c_str(), 0755) == 0);
  REQUIRE(::chmod((root.path() + "/closed").c_str(), 0700) == 0);
  REQUIRE(::chmod((root.path() + "/open").c_str(), 0777) == 0);
  const SetupUser user{"/home/a", 1234, 4321, "", ""};
  {
    const AsUser as_user(&user);
    REQUIRE(as_user.good());
    CHECK_FALSE(root.read("/open/secret"));
    CHECK_FALSE(root.read("/closed/file"));
    root.write("/open/new", "x");
  }
  CHECK(root.read("/open/secret") == "x");
  CHECK(root.read("/closed/file") == "x");
  struct stat info {};
  REQUIRE(::stat((root.path() + "/open/new").c_str(), &info) == 0);
  CHECK(info.st_uid == 1234);
  CHECK(info.st_gid == 4321);
}

TEST_CASE("nobody else's rights are taken for nobody") {
  const TemporaryRoot root;
  root.write("/file", "x", 0600);
  const AsUser same(nullptr);
  CHECK(same.good());
  CHECK(root.read("/file") == "x");
}
