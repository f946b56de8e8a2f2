#include "setup/find_facts.h"

#include <unistd.h>

#include <cstdlib>
#include <string>

#include "temporary_root.h"

using namespace culvert;

namespace {

/// A variable of the environment, as it was before at the end.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    const char* const before = std::getenv(name);
    if (before != nullptr) before_ = before;
    if (value == nullptr) {
      ::unsetenv(name);
    } else {
      ::setenv(name, value, 1);
    }
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() {
    if (before_) {
      ::setenv(name_, before_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("the home folder is that of HOME, or of whoever called sudo") {
  const Variable no_sudo("SUDO_UID", nullptr);
  const Variable home("HOME", "/somewhere/");
  CHECK(find_facts("/").user.home == "/somewhere");
  CHECK(find_facts("/").user.uid == ::geteuid());
  if (::geteuid() != 0) return;
  const Variable sudo("SUDO_UID", "1");
  CHECK(find_facts("/").user.uid == 1);
  CHECK(find_facts("/").user.home != "/somewhere");
}

TEST_CASE("folders that the user's variables name are those of this machine alone") {
  const Variable no_sudo("SUDO_UID", nullptr);
  const Variable config("XDG_CONFIG_HOME", "/c/");
  const Variable docker("DOCKER_CONFIG", "relative");
  CHECK(find_facts("/").user.config_home() == "/c");
  CHECK(find_facts("/").user.docker_config() == find_facts("/").user.home + "/.docker");
  const TemporaryRoot root;
  CHECK(find_facts(root.path()).user.config_home() == find_facts("/").user.home + "/.config");
  const Variable sudo("SUDO_UID", "1");
  CHECK(find_facts("/").user.config_home().ends_with("/.config"));
}

TEST_CASE("another root is set up for all of its users") {
  const TemporaryRoot root;
  CHECK(find_facts(root.path()).for_all_users);
  CHECK_FALSE(find_facts(root.path()).is_live());
  CHECK(find_facts("/").is_live());
  CHECK(find_facts("/").for_all_users == (::geteuid() == 0));
}

TEST_CASE("a folder is known whatever its spelling") {
  const TemporaryRoot root;
  root.write("/a/file", "");
  CHECK(find_folder("//") == "/");
  CHECK(find_folder(root.path() + "/./a/../a/") == root.path() + "/a");
  CHECK(find_folder(root.path() + "/none").empty());
  CHECK(find_folder(root.path() + "/a/file").empty());
}
