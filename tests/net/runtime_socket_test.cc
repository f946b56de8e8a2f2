#include "net/runtime_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "net/runtime_directory.h"
#include "net/sandbox.h"
#include "net/socket_address.h"
#include "net/unix_peer.h"
#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;
using Catch::Matchers::Contains;

namespace {

std::unique_ptr<RuntimeSocket> make(const std::string& directory) {
  auto made = RuntimeSocket::make(directory);
  REQUIRE(made);
  return std::move(*made);
}

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

/// A socket at `path`, at which nobody listens unless `listens`.
Fd socket_at(const std::string& path, bool listens) {
  Fd out(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = SocketAddress::of_path(path);
  REQUIRE(bind(out.get(), address->get(), address->size) == 0);
  if (listens) REQUIRE(listen(out.get(), 1) == 0);
  return out;
}

int connect_to(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const auto address = SocketAddress::of_path(path);
  REQUIRE(connect(fd, address->get(), address->size) == 0);
  return fd;
}

}  // namespace

TEST_CASE("a runtime socket is for our own user, and goes with its object") {
  const std::size_t before = open_files();
  const TempDir dir;
  const std::string directory = dir.path("culvert");
  std::string path;
  {
    const auto socket = make(directory);
    path = socket->path();
    struct stat file {};
    REQUIRE(lstat(path.c_str(), &file) == 0);
    CHECK(S_ISSOCK(file.st_mode));
    CHECK((file.st_mode & 0777) == 0600);
    REQUIRE(stat(directory.c_str(), &file) == 0);
    CHECK((file.st_mode & 0777) == 0700);
    CHECK_THAT(path, Contains("/status-" + network_prefix() + std::to_string(getpid()) + "-"));
    const Fd client(connect_to(path));
    const Fd accepted(accept4(socket->fd(), nullptr, nullptr, SOCK_CLOEXEC));
    CHECK(trusted_peer(accepted.get()));
  }
  CHECK_FALSE(exists(path));
  CHECK(open_files() == before);
}

TEST_CASE("several are found, the newest first, and those that are left are cleared away") {
  const TempDir dir;
  const std::string directory = dir.path("culvert");
  auto first = make(directory);
  const auto second = make(directory);
  CHECK(first->path() != second->path());
  const auto set_time = [](const std::string& path, std::time_t seconds) {
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    REQUIRE(utimensat(AT_FDCWD, path.c_str(), static_cast<const timespec*>(times), 0) == 0);
  };
  set_time(first->path(), 1'000);
  set_time(second->path(), 2'000);
  const std::string left = directory + "/status-" + network_prefix() + "7-0.sock";
  const std::string other = directory + "/" + network_prefix() + "7-0";
  const std::string file = directory + "/status-1-1-1.sock";
  socket_at(left, false);
  socket_at(other, false);
  const Fd plain(open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));

  FoundRuntimeSockets found = find_runtime_sockets({dir.path("none"), directory});
  REQUIRE(found.sockets.size() == 2);
  CHECK(found.foreign.empty());
  CHECK(found.sockets[0].path == second->path());
  CHECK(found.sockets[0].pid == getpid());
  CHECK(found.sockets[0].own_pid == getpid());
  CHECK(found.sockets[0].same_network);
  CHECK(found.sockets[0].made_ns == 2'000'000'000'000);
  CHECK(found.sockets[1].path == first->path());
  CHECK_FALSE(exists(left));
  CHECK(exists(other));  // of another kind
  CHECK(exists(file));   // no socket

  socket_at(left, false);
  first = make(directory);
  CHECK_FALSE(exists(left));
}

TEST_CASE("whoever makes one clears away what is left, and wakes nobody") {
  const TempDir dir;
  const std::string directory = dir.path("culvert");
  const auto first = make(directory);
  const std::string left = directory + "/status-1-2-3.sock";
  socket_at(left, true).reset();
  REQUIRE(exists(left));
  const auto second = make(directory);
  CHECK_FALSE(exists(left));
  CHECK(exists(first->path()));
  CHECK(accept(first->fd(), nullptr, nullptr) < 0);
  CHECK(errno == EAGAIN);
}

TEST_CASE("one of another network namespace, or whose queue is full, is found as well") {
  const TempDir dir;
  const std::string path = dir.path("status-1-7-abc.sock");
  const Fd busy = socket_at(path, true);
  std::vector<Fd> clients;
  clients.emplace_back(connect_to(path));
  clients.emplace_back(connect_to(path));
  const auto found = find_runtime_sockets({dir.path("")});
  REQUIRE(found.sockets.size() == 1);
  CHECK(found.sockets[0].own_pid == 7);
  CHECK_FALSE(found.sockets[0].same_network);
}

TEST_CASE("what has taken a runtime socket's place stays") {
  const TempDir dir;
  auto socket = make(dir.path("culvert"));
  const std::string path = socket->path();
  REQUIRE(unlink(path.c_str()) == 0);
  const Fd other = socket_at(path, true);
  socket.reset();
  CHECK(exists(path));
}

TEST_CASE("without a directory of our own there is no runtime socket") {
  const TempDir dir;
  REQUIRE(mkdir(dir.path("open").c_str(), 0700) == 0);
  REQUIRE(chmod(dir.path("open").c_str(), 0777) == 0);
  CHECK_THAT(RuntimeSocket::make(dir.path("open")).error().text,
             Contains("/open: others can write to it, or it is another user's"));
  CHECK(RuntimeSocket::make("/none/such").error().text == "/none/such: No such file or directory");
  const std::string far = dir.path(std::string(90, 'x'));
  CHECK_THAT(RuntimeSocket::make(far).error().text, Contains("File name too long"));
}

TEST_CASE("a sandboxed process removes its runtime socket") {
  const TempDir dir;
  const std::string directory = dir.path("culvert");
  const pid_t pid = fork();
  if (pid == 0) {
    auto made = RuntimeSocket::make(directory);
    if (!made) _exit(2);
    const std::string path = (*made)->path();
    enter_sandbox({{directory, PathGrant::Use::remove}});
    made->reset();
    _exit(exists(path) ? 1 : 0);
  }
  int status = -1;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
}

TEST_CASE("another user's runtime socket is not taken, but named", "[root]") {
  if (geteuid() != 0) return;
  const TempDir dir;
  const std::string directory = dir.path("culvert");
  const auto socket = make(directory);
  // The folders are open, so that it is the socket that refuses.
  REQUIRE(chmod(directory.c_str(), 0755) == 0);
  REQUIRE(chmod(dir.path("").c_str(), 0755) == 0);
  const pid_t pid = fork();
  if (pid == 0) {
    if (setuid(65534) != 0) _exit(2);
    const auto found = find_runtime_sockets({directory});
    const bool named = found.sockets.empty() && found.foreign == std::vector{socket->path()};
    _exit(named && exists(socket->path()) ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
}

TEST_CASE("root takes those of the user who owns the directory, and no others", "[root]") {
  if (geteuid() != 0) return;
  const TempDir dir;
  REQUIRE(chmod(dir.path("").c_str(), 0755) == 0);
  const std::string directory = dir.path("culvert");
  REQUIRE(mkdir(directory.c_str(), 0755) == 0);
  REQUIRE(chown(directory.c_str(), 65534, 65534) == 0);
  int ready[2];
  REQUIRE(pipe2(static_cast<int*>(ready), O_CLOEXEC) == 0);
  Fd here(ready[0]);
  Fd there(ready[1]);
  const pid_t pid = fork();
  if (pid == 0) {
    here.reset();
    if (setuid(65534) != 0) _exit(2);
    auto made = RuntimeSocket::make(directory);
    if (!made || write(there.get(), "x", 1) != 1) _exit(3);
    pause();
  }
  there.reset();
  char byte = 0;
  const bool started = read(here.get(), &byte, 1) == 1;
  const auto owned = find_runtime_sockets({directory});
  const int opened = chmod(directory.c_str(), 0777);
  const auto open_to_all = find_runtime_sockets({directory});
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  REQUIRE(started);
  REQUIRE(owned.sockets.size() == 1);
  CHECK(owned.sockets[0].pid == pid);
  REQUIRE(opened == 0);
  CHECK(open_to_all.sockets.empty());
  CHECK(open_to_all.foreign.size() == 1);
}
