#include "net/runtime_directory.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

/// What a process of user `uid` finds, with this environment; "" is an unset variable.
bool found_by(uid_t uid, const std::string& runtime, const std::string& login,
              const std::function<bool()>& test) {
  const pid_t pid = fork();
  if (pid == 0) {
    runtime.empty() ? unsetenv("RUNTIME_DIRECTORY")
                    : setenv("RUNTIME_DIRECTORY", runtime.c_str(), 1);
    login.empty() ? unsetenv("XDG_RUNTIME_DIR") : setenv("XDG_RUNTIME_DIR", login.c_str(), 1);
    if (geteuid() != uid && setuid(uid) != 0) _exit(2);
    _exit(test() ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  return status == 0;
}

bool is_runtime_directory(const std::string& expected) {
  return runtime_directory() == expected && runtime_directories().front() == expected;
}

}  // namespace

TEST_CASE("the runtime directory is the service's, the login's or one of our own") {
  const auto is = [](const std::string& expected) {
    return [expected] { return is_runtime_directory(expected); };
  };
  const uid_t us = geteuid();
  CHECK(found_by(us, "/run/a:/run/b", "/run/user/1", is("/run/a")));
  const uid_t user = us == 0 ? 65534 : us;
  CHECK(found_by(user, "", "/run/user/1", is("/run/user/1/culvert")));
  CHECK(found_by(user, "", "not/absolute", is("/tmp/culvert-" + std::to_string(user))));
  if (us == 0) CHECK(found_by(0, "", "/run/user/1", is("/run/culvert")));
}

TEST_CASE("one that was started in another environment is looked for, too") {
  const uid_t user = geteuid() == 0 ? 65534 : geteuid();
  const std::string number = std::to_string(user);
  CHECK(found_by(user, "/run/a", "/run/x", [&] {
    return runtime_directories() ==
           std::vector<std::string>{"/run/a", "/run/x/culvert", "/run/user/" + number + "/culvert",
                                    "/tmp/culvert-" + number, "/run/culvert"};
  }));
  if (geteuid() != 0) return;
  CHECK(found_by(0, "", "",
                 [] { return runtime_directories() == std::vector<std::string>{"/run/culvert"}; }));
}

TEST_CASE("a network namespace has a number of its own") {
  const std::string prefix = network_prefix();
  CHECK(prefix.ends_with('-'));
  CHECK(prefix.size() > 2);
  CHECK(prefix == network_prefix());
}
