#include "host/process_list.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "support/catch.h"

using namespace culvert;

namespace {

/// A root with a proc/ of its own.
class Root {
 public:
  Root() {
    REQUIRE(mkdtemp(path_) != nullptr);
    mkdir((path() + "/proc").c_str(), 0700);
  }
  ~Root() { static_cast<void>(std::system(("rm -r " + path()).c_str())); }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;

  std::string path() const { return path_; }
  void add(const std::string& name, std::string_view comm, std::string_view environment) const {
    const std::string folder = path() + "/proc/" + name;
    mkdir(folder.c_str(), 0700);
    std::ofstream(folder + "/comm") << comm << '\n';
    std::ofstream(folder + "/environ") << environment;
  }

 private:
  char path_[32] = "/tmp/culvert-proc-XXXXXX";
};

}  // namespace

TEST_CASE("processes are listed by their number") {
  using namespace std::string_view_literals;
  const Root root;
  root.add("30", "dockerd", "");
  root.add("4", "init", "");
  root.add("self", "no process", "");
  root.add("4x", "neither", "");
  const auto found = running_processes(root.path());
  REQUIRE(found.size() == 2);
  CHECK(found[0].pid == 4);
  CHECK(found[1].name == "dockerd");
  CHECK(running_process(30, root.path() + "/")->name == "dockerd");
  CHECK_FALSE(running_process(31, root.path()));
  CHECK(running_processes(root.path() + "/nowhere").empty());
}

TEST_CASE("a process's environment is read whole") {
  using namespace std::string_view_literals;
  const Root root;
  const std::string large = "LARGE=" + std::string(100'000, 'x');
  root.add("7", "dockerd", "A=1\0\0HTTPS_PROXY=http://h:1\0LINE=a\nb\0"sv);
  root.add("8", "large", large + std::string("\0Z=1", 4));
  const auto found = environment_of(7, root.path());
  REQUIRE(found);
  CHECK(*found == std::vector<std::string>{"A=1", "HTTPS_PROXY=http://h:1", "LINE=a\nb"});
  CHECK(environment_of(8, root.path()).value() == std::vector<std::string>{large, "Z=1"});
}

TEST_CASE("why there is no environment is told") {
  const Root root;
  root.add("7", "dockerd", "");
  CHECK(environment_of(8, root.path()).error().text == "there is no process 8");
  unlink((root.path() + "/proc/7/environ").c_str());
  CHECK(environment_of(7, root.path()).error().text ==
        "the environment of process 7 (dockerd) cannot be read");
}

TEST_CASE("this process is among the running ones") {
  CHECK(running_process(getpid()).has_value());
  CHECK(environment_of(getpid()).ok());
  CHECK_FALSE(own_environment().empty());
}
