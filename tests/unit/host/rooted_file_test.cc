#include "host/rooted_file.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "unit/setup/temporary_root.h"

using namespace culvert;

TEST_CASE("links are followed as if the root were all there is") {
  const TemporaryRoot root;
  root.write("/data/file", "content");
  root.link("/etc/absolute", "/data");
  root.link("/etc/relative", "../data");
  root.link("/etc/out", "../../../../../../data");
  root.link("/etc/far", "/etc/absolute/../data/file");
  for (const char* path : {"/etc/absolute/file", "/etc/relative/file", "/etc/out/file", "/etc/far",
                           "/etc/./absolute//file", "/../../data/file"}) {
    CAPTURE(path);
    CHECK(below_root(root.path(), path) == root.path() + "/data/file");
    CHECK(find_file(root.path(), path).content == "content");
  }
  CHECK(below_root(root.path() + "/", "/none/here") == root.path() + "/none/here");
  CHECK(below_root("/", "/") == "/");
  CHECK(below_root("/", "/none/here") == "/none/here");
}

TEST_CASE("a link to what is not there is a name within the root") {
  const TemporaryRoot root;
  root.link("/etc/npmrc", "/tmp/elsewhere");
  CHECK(below_root(root.path(), "/etc/npmrc") == root.path() + "/tmp/elsewhere");
}

TEST_CASE("links in a circle are no file") {
  const TemporaryRoot root;
  root.link("/a", "b");
  root.link("/b", "a");
  CHECK(below_root(root.path(), "/a").empty());
  CHECK_FALSE(find_file(root.path(), "/a").problem.empty());
}

TEST_CASE("only a regular file of a sane size is read") {
  const TemporaryRoot root;
  root.write("/large", std::string(1024 * 1024 + 1, 'x'));
  root.write("/folder/file", "");
  REQUIRE(::mkfifo((root.path() + "/pipe").c_str(), 0600) == 0);
  CHECK(find_file(root.path(), "/large").problem == "larger than 1 MiB");
  CHECK(find_file(root.path(), "/folder").problem == "not a regular file");
  CHECK(find_file(root.path(), "/pipe").problem == "not a regular file");
  for (const char* path : {"/none", "/folder/file/below"}) {
    CHECK_FALSE(find_file(root.path(), path).content);
    CHECK(find_file(root.path(), path).problem.empty());
  }
}

TEST_CASE("what is no regular file is not even opened, as some devices act on that") {
  const TemporaryRoot root;
  const std::string pipe = root.path() + "/pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const int watch = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  REQUIRE(watch >= 0);
  REQUIRE(::inotify_add_watch(watch, pipe.c_str(), IN_OPEN) >= 0);
  CHECK(find_file(root.path(), "/pipe").problem == "not a regular file");
  std::array<char, 512> events;
  CHECK(::read(watch, events.data(), events.size()) == -1);
  ::close(watch);
}
