#include "setup/docker_engine.h"

#include <sys/stat.h>

#include "support/catch.h"
#include "temporary_root.h"

namespace culvert {
namespace {

std::string version_in(const std::string& status) {
  const TemporaryRoot root;
  root.write("/var/lib/dpkg/status", status);
  return docker_engine_version(root.facts());
}

TEST_CASE("the version of Docker Engine is that of its package") {
  CHECK(version_in("Package: docker-doc\nStatus: install ok installed\nVersion: 1\n\n"
                   "Package: docker.io\nStatus: install ok installed\nPriority: optional\n"
                   "Version: 20.10.24+dfsg1-1+deb12u1\nDescription: x\n Version: 9\n") ==
        "20.10.24+dfsg1");
  CHECK(version_in("Package: docker-ce\nStatus: hold ok installed\n"
                   "Version: 5:29.0.1-1~debian.12~bookworm\n") == "29.0.1");
  CHECK(version_in("Package: docker.io\nStatus: deinstall ok config-files\nVersion: 1\n").empty());
  CHECK(version_in("").empty());
  CHECK(docker_engine_version(TemporaryRoot().facts()).empty());
}

TEST_CASE("a pipe in place of dpkg's list is not waited for") {
  const TemporaryRoot root;
  root.write("/var/lib/dpkg/x", "");
  REQUIRE(::mkfifo((root.path() + "/var/lib/dpkg/status").c_str(), 0644) == 0);
  CHECK(docker_engine_version(root.facts()).empty());
}

TEST_CASE("the major version is the number in front of the first dot") {
  CHECK(major_version("20.10.24+dfsg1") == 20);
  CHECK(major_version("29.0.1") == 29);
  CHECK(major_version("dev") == 0);
  CHECK(major_version("") == 0);
}

}  // namespace
}  // namespace culvert
