// What a process may do afterwards, in children: it cannot be undone.
#include "net/sandbox.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;
using Use = PathGrant::Use;

namespace {

/// What `act` returns in a process that has only `grants`.
int in_sandbox(const std::vector<PathGrant>& grants, const std::function<int()>& act) {
  const pid_t pid = fork();
  if (pid == 0) {
    enter_sandbox(grants);
    _exit(act());
  }
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

/// The errno with which it cannot be opened; 0: it can.
int error_of_open(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

bool has_landlock() {
  // The version is told without restricting anything.
  return in_sandbox({}, [] { return error_of_open("/proc/self/status", O_RDONLY) == EACCES; }) == 1;
}

}  // namespace

TEST_CASE("each version of Landlock is asked for what it knows") {
  constexpr std::uint64_t kFirst = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
  CHECK(landlock_rights(0) == 0);
  CHECK(landlock_rights(-1) == 0);
  CHECK(landlock_rights(1) == kFirst);
  CHECK(landlock_rights(2) == (kFirst | LANDLOCK_ACCESS_FS_REFER));
  CHECK(landlock_rights(3) == (landlock_rights(2) | std::uint64_t{1} << 14));
  CHECK(landlock_rights(4) == landlock_rights(3));
  CHECK(landlock_rights(5) == (landlock_rights(3) | std::uint64_t{1} << 15));
  CHECK(landlock_rights(99) == landlock_rights(5));
}

TEST_CASE("a process in the sandbox and its threads gain nothing by executing programs") {
  CHECK(in_sandbox({}, [] { return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); }) == 1);
  CHECK(in_sandbox({}, [] {
          int result = 0;
          std::thread([&] { result = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); }).join();
          return result;
        }) == 1);
}

TEST_CASE("only the paths that are granted can be used, each in its way") {
  if (!has_landlock()) {
    WARN("SKIP: this kernel has no Landlock");
    return;
  }
  const TempDir dir;
  for (const char* folder : {"read", "log", "run", "other"}) {
    REQUIRE(mkdir(dir.path(folder).c_str(), 0700) == 0);
    std::ofstream(dir.path(folder) + "/file") << "x";
  }
  const std::vector<PathGrant> grants = {{dir.path("read"), Use::read},
                                         {dir.path("log"), Use::write},
                                         {dir.path("run"), Use::remove},
                                         {"/dev/null", Use::device},
                                         {dir.path("nothing"), Use::read}};
  const auto error = [&](const std::string& path, int flags) {
    return in_sandbox(grants, [&] { return error_of_open(path, flags); });
  };
  const auto error_of_unlink = [&](const std::string& path) {
    return in_sandbox(grants, [&] { return unlink(path.c_str()) == 0 ? 0 : errno; });
  };
  CHECK(error(dir.path("read/file"), O_RDONLY) == 0);
  CHECK(error(dir.path("read/file"), O_WRONLY) == EACCES);
  CHECK(error(dir.path("read"), O_RDONLY | O_DIRECTORY) == EACCES);
  CHECK(error(dir.path("log/file"), O_WRONLY | O_APPEND) == 0);
  CHECK(error(dir.path("log/new"), O_WRONLY | O_APPEND | O_CREAT) == 0);
  CHECK(error(dir.path("log/file"), O_RDONLY) == EACCES);
  CHECK(error(dir.path("other/file"), O_RDONLY) == EACCES);
  CHECK(error(dir.path("other/new"), O_WRONLY | O_CREAT) == EACCES);
  CHECK(error("/etc/passwd", O_RDONLY) == EACCES);
  CHECK(error("/dev/null", O_RDWR) == 0);
  CHECK(error_of_unlink(dir.path("other/file")) == EACCES);
  CHECK(error_of_unlink(dir.path("log/file")) == EACCES);
  CHECK(error_of_unlink(dir.path("run/file")) == 0);
  CHECK(in_sandbox(grants, [] {
          execl("/bin/true", "true", static_cast<char*>(nullptr));
          return errno;
        }) == EACCES);
}

TEST_CASE("a file that was replaced is granted with its folder") {
  const TempDir dir;
  std::ofstream(dir.path("file")) << "old";
  CHECK(in_sandbox({{dir.path("."), Use::read}}, [&] {
          // By another process, which has its rights.
          return error_of_open(dir.path("file"), O_RDONLY);
        }) == 0);
}

TEST_CASE("a descriptor that is open stays usable") {
  const TempDir dir;
  std::ofstream(dir.path("file")) << "x";
  const Fd file(open(dir.path("file").c_str(), O_RDWR | O_CLOEXEC));
  CHECK(in_sandbox({}, [&] {
          char byte = 0;
          const bool reads = read(file.get(), &byte, 1) == 1;
          return reads && write(file.get(), "y", 1) == 1 ? 0 : 1;
        }) == 0);
}

TEST_CASE("what is in force is told") {
  const bool landlock = has_landlock();
  CHECK(in_sandbox({}, [&] {
          const SandboxState state = enter_sandbox({});  // once more, which only takes away
          const bool told = state.no_new_privs && (state.landlock > 0) == state.why_not.empty();
          return told && (state.landlock > 0) == landlock ? 0 : 1;
        }) == 0);
}
